import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { readerConformance, type ReaderBench } from '../reader-conformance.testing.ts'
import type { Reader, ReaderEvent } from '../reader.ts'
import { readerContext, shortEvent, superviseAlone } from '../session.testing.ts'
import { readReaderSpec } from '../spec.ts'
import {
  hexOf,
  module7941wAnswer,
  Module7941wPersonality,
  pn532Answer,
  Pn532Personality,
  PolledDevice,
  Twn4Personality,
} from './polled-device.testing.ts'

const context = readerContext()

/** Every kind of reader that is asked, and how it says what only it can say. */
const kinds = [
  {
    driver: 'pn532',
    device: () => PolledDevice.create(new Pn532Personality()),
    garbled: pn532Answer('4B010100040805A0C2BBCA'),
    refusal: '0000FF01FF7F8100',
  },
  {
    driver: 'twn4',
    device: () => PolledDevice.create(new Twn4Personality()),
    // The length says seven, the id has eight bytes.
    garbled: hexOf('0001803807041F38D29A5B8000\r'),
    refusal: hexOf('01\r'),
  },
  {
    driver: '7941w',
    device: () => PolledDevice.create(new Module7941wPersonality()),
    garbled: module7941wAnswer('A0C2BB'),
    refusal: 'CDDC00820082',
  },
]

async function openReader(driver: string, path: string, query = ''): Promise<Reader> {
  const spec = await readReaderSpec(`${driver}:${path}${query}`)
  return spec.driver.open(spec.options, context)
}

async function supervise(driver: string, path: string, query = '') {
  const reader = superviseAlone(await readReaderSpec(`${driver}:${path}${query}`))
  const { supervisor } = reader
  return {
    ...reader,
    ready: () => expect.poll(() => supervisor.status.state, { timeout: 10_000 }).toBe('ready'),
  }
}

/** What a session says, as it comes. */
function collect(reader: Reader): ReaderEvent[] {
  const events: ReaderEvent[] = []
  const reading = (async () => {
    for await (const event of reader.events()) events.push(event)
  })()
  // How it ends is seen by the tests that supervise it.
  void reading.catch(() => undefined)
  return events
}

const frames = (events: ReaderEvent[]) => events.filter((event) => event.type === 'frame')

describe.each(kinds)('$driver keeps the promises of every reader', ({ driver, device: plugIn }) => {
  test.each(readerConformance)('$name', async ({ run }) => {
    await using device = await plugIn()
    const bench: ReaderBench = {
      open: () => openReader(driver, device.line.path),
      frame: (text) => device.visit(text),
      half: () => device.visitHalf('04A224F1'),
      unplug: () => device.unplug(),
      replug: () => device.replug(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
    await run(bench)
  })
})

describe.each(kinds)('$driver', ({ driver, device: plugIn, garbled, refusal }) => {
  test('makes one tap of a card that lies there, and another when it comes back', async () => {
    await using device = await plugIn()
    await using reader = await supervise(driver, device.line.path, '?cooldownMs=0')
    await reader.ready()
    device.card = 'A0C2BBCA'
    await delay(2_500)
    expect(reader.uids()).toEqual(['A0C2BBCA'])
    device.card = undefined
    await delay(1_500)
    device.card = 'A0C2BBCA'
    await expect.poll(reader.uids).toEqual(['A0C2BBCA', 'A0C2BBCA'])
  })

  test('looks four to eight times a second', async () => {
    await using device = await plugIn()
    await using reader = await supervise(driver, device.line.path)
    await reader.ready()
    const before = device.looks
    await delay(2_000)
    // A busy machine may make it a little slower, never faster.
    expect(device.looks - before).toBeGreaterThanOrEqual(5)
    expect(device.looks - before).toBeLessThanOrEqual(16)
  })

  test('makes two taps of two cards that are swapped from one look to the next', async () => {
    await using device = await plugIn()
    await using reader = await supervise(driver, device.line.path)
    await reader.ready()
    await device.visit('A0C2BBCA')
    await device.visit('5CBBE5D5')
    await expect.poll(reader.uids).toEqual(['A0C2BBCA', '5CBBE5D5'])
    await delay(1_000)
    expect(reader.taps).toHaveLength(2)
  })

  test('makes one tap of a card that it finds every other time', async () => {
    await using device = await plugIn()
    await using reader = await supervise(driver, device.line.path, '?presenceGapMs=200&cooldownMs=0')
    await reader.ready()
    device.isFlickering = true
    device.card = 'A0C2BBCA'
    await expect.poll(() => device.looks, { timeout: 10_000 }).toBeGreaterThan(20)
    expect(reader.uids()).toEqual(['A0C2BBCA'])
  })

  test.each([
    ['a byte at a time', { pieceBytes: 1 }],
    ['in pieces of five', { pieceBytes: 5 }],
    ['late', { answerDelayMs: 120 }],
  ])('takes answers that come %s', async (_, manner) => {
    await using device = await plugIn()
    Object.assign(device, manner)
    await using reader = await supervise(driver, device.line.path)
    await reader.ready()
    device.card = '045D46B2505D80'
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['045D46B2505D80'])
    expect(reader.supervisor.status).toMatchObject({ rejected: {}, opens: 1, fault: null })
  })

  test('says of every look whether a card was there', async () => {
    await using device = await plugIn()
    await using reader = await openReader(driver, device.line.path)
    expect(reader.capabilities.removal).toBe('polled')
    const events = collect(reader)
    await device.visit('A0C2BBCA')
    const before = device.looks
    await expect.poll(() => device.looks, { timeout: 5_000 }).toBeGreaterThanOrEqual(before + 5)
    const texts = events.map(shortEvent)
    const misses = texts.slice(texts.indexOf('A0C2BBCA') + 1)
    expect(Math.abs(misses.length - (device.looks - before))).toBeLessThanOrEqual(1)
    expect(new Set(misses)).toEqual(new Set(['missed']))
  })

  test('is deaf when it stops answering, and heals by itself when it answers again', async () => {
    await using device = await plugIn()
    await using reader = await supervise(driver, device.line.path)
    await reader.ready()
    device.card = 'A0C2BBCA'
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['A0C2BBCA'])
    device.isDeaf = true
    await expect.poll(() => reader.supervisor.status.fault?.code, { timeout: 10_000 }).toBe('reader-deaf')
    device.card = undefined
    await delay(1_000)
    expect(reader.supervisor.status.state).toBe('absent')
    device.isDeaf = false
    device.powerCycle()
    await reader.ready()
    device.card = '5CBBE5D5'
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['A0C2BBCA', '5CBBE5D5'])
    expect(reader.supervisor.status).toMatchObject({ state: 'ready', fault: null })
    expect(new Set(reader.faults)).toEqual(new Set(['reader-deaf']))
  })

  test('is asked again, and not opened anew, when one answer is lost', async () => {
    await using device = await plugIn()
    await using reader = await supervise(driver, device.line.path)
    await reader.ready()
    device.isDeaf = true
    await delay(250)
    device.isDeaf = false
    device.powerCycle()
    device.card = 'A0C2BBCA'
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['A0C2BBCA'])
    expect(reader.supervisor.status).toMatchObject({ opens: 1, fault: null })
  })

  test('nothing that answers at all is reader-deaf', async () => {
    await using device = await plugIn()
    device.isDeaf = true
    const startedMs = performance.now()
    await expect(openReader(driver, device.line.path)).rejects.toMatchObject({ code: 'reader-deaf' })
    expect(performance.now() - startedMs).toBeLessThan(4_000)
    device.isDeaf = false
    await (await openReader(driver, device.line.path))[Symbol.asyncDispose]()
  })

  test.each([
    ['text', () => hexOf('Marlin 2.1\r\nok\r\n')],
    ['noise', () => '00FFA55A13370042'.repeat(4)],
    ['an echo', (_: string, request: string) => (/^[0-9A-F]*$/.test(request) ? request : '')],
  ])('something else that answers with %s is reader-protocol', async (_, distort) => {
    await using device = await plugIn()
    device.distort = distort
    if (driver === 'pn532') void device.visit('A0C2BBCA')
    await expect(openReader(driver, device.line.path)).rejects.toMatchObject({ code: 'reader-protocol' })
  })

  test('answers that fit nothing are rejected and never a card, and the reader reads on', async () => {
    await using device = await plugIn()
    await using reader = await supervise(driver, device.line.path)
    await reader.ready()
    device.card = 'A0C2BBCA'
    device.distort = (answer) => answer.replace(/0000FF0CF4.*|CDDC00810.*|30303031.*/, garbled)
    await expect
      .poll(() => reader.supervisor.status.rejected['answer-malformed'], { timeout: 10_000 })
      .toBeGreaterThanOrEqual(8)
    expect(reader.uids()).toEqual([])
    device.distort = (answer) => answer
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['A0C2BBCA'])
    expect(reader.supervisor.status).toMatchObject({ opens: 1, fault: null })
  })

  test('one that refuses every look ends the session as reader-protocol, and is tried again', async () => {
    await using device = await plugIn()
    await using reader = await supervise(driver, device.line.path)
    await reader.ready()
    device.distort = (answer) =>
      answer.replace(/(0000FF00FF00)?(0000FF03FDD54B.*|^303030300D$|^CDDC.*)/, refusal)
    await expect.poll(() => reader.faults, { timeout: 10_000 }).toContain('reader-protocol')
    expect(reader.supervisor.status.rejected['answer-failed']).toBeGreaterThanOrEqual(5)
    device.distort = (answer) => answer
    device.card = 'A0C2BBCA'
    await expect.poll(reader.uids, { timeout: 10_000 }).toEqual(['A0C2BBCA'])
  })

  test('noise between and before the answers is thrown away', async () => {
    await using device = await plugIn()
    await using reader = await supervise(driver, device.line.path)
    await reader.ready()
    let turn = 0
    device.distort = (answer) => {
      turn += 1
      return turn % 5 === 0 ? `FFA513${driver === 'twn4' ? '0D' : ''}${answer}` : answer
    }
    device.card = 'A0C2BBCA'
    await delay(2_000)
    expect(reader.uids()).toEqual(['A0C2BBCA'])
    expect(reader.supervisor.status.opens).toBe(1)
    expect(Object.keys(reader.supervisor.status.rejected).length).toBeGreaterThan(0)
  })

  test('an unplug in the middle of an answer is one, and after the replug the next card is exactly itself', async () => {
    await using device = await plugIn()
    await using reader = await supervise(driver, device.line.path)
    await reader.ready()
    await device.visitHalf('04A224F1')
    await delay(30)
    await device.unplug()
    await expect.poll(() => reader.faults[0], { timeout: 2_000 }).toBe('reader-unplugged')
    await device.replug()
    await reader.ready()
    device.card = 'DEADBEEF'
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['DEADBEEF'])
    expect(reader.supervisor.status.rejected).toEqual({ 'frame-incomplete': 1 })
  })

  test('shows a technician what goes out and what comes in', async () => {
    await using device = await plugIn()
    const seen = { in: '', out: '' }
    const spec = await readReaderSpec(`${driver}:${device.line.path}`)
    const trace = (bytes: Uint8Array, direction: 'in' | 'out'): void => {
      seen[direction] += Buffer.from(bytes).toString('hex').toUpperCase()
    }
    await using _reader = await spec.driver.open(spec.options, readerContext({ trace }))
    await device.visit('A0C2BBCA')
    await expect.poll(() => seen.in).toContain(driver === 'twn4' ? hexOf('A0C2BBCA') : 'A0C2BBCA')
    expect(device.asked.length).toBeGreaterThan(0)
    for (const request of device.asked) {
      expect(seen.out).toContain(driver === 'twn4' ? hexOf(request) : request)
    }
  })

  test.each([
    ['format=decimal-10', 'format'],
    ['presenceGapMs=0', 'presenceGapMs'],
    ['pollMs=10', 'pollMs'],
    ['parity=even', "no option is called 'parity'"],
    ['baudRate=fast', 'baudRate'],
  ])('refuses %s', async (query, text) => {
    const refused = expect.objectContaining({
      code: 'reader-spec-invalid',
      message: expect.stringContaining(text) as unknown,
    }) as unknown
    await expect(readReaderSpec(`${driver}:/dev/ttyUSB0?${query}`)).rejects.toEqual(refused)
  })

  test('a discovery opens nothing and writes nothing', async () => {
    const { driver: found } = await readReaderSpec(`${driver}:/dev/ttyUSB0`)
    expect(await found.discover(new AbortController().signal)).toEqual([])
  })
})

describe('a PN532', () => {
  test('is woken, set up, asked and rested with the bytes of its manual', async () => {
    await using device = await PolledDevice.create(new Pn532Personality())
    await using _reader = await openReader('pn532', device.line.path)
    await expect.poll(() => device.asked.length).toBeGreaterThanOrEqual(7)
    expect(device.asked.slice(0, 7)).toEqual([
      '0000FF03FDD414011700',
      '0000FF02FED4022A00',
      '0000FF06FAD43205FF0105F000',
      '0000FF04FCD44A0200E000',
      '0000FF04FCD4320100F900',
      '0000FF04FCD44A0200E000',
      '0000FF04FCD4320100F900',
    ])
  })

  test.each([
    ['4B010100040804 5CBBE5D5', '5CBBE5D5'],
    ['4B010100040804 B0864D25', 'B0864D25'],
    ['4B010100421807 045D46B2505D80', '045D46B2505D80'],
  ])('target %s is card %s', async (target, uid) => {
    await using device = await PolledDevice.create(new Pn532Personality())
    device.card = 'A0C2BBCA'
    const found = pn532Answer(target.replace(' ', ''))
    device.distort = (answer) => answer.replace(/0000FF0CF4.*/, found)
    await using reader = await openReader('pn532', device.line.path)
    const events = collect(reader)
    await expect.poll(() => frames(events).length).toBeGreaterThan(0)
    expect(frames(events)[0]).toMatchObject({ payload: uid, proof: 'checksum', technology: 'iso14443a' })
  })

  test('says once that two cards lie there, makes a tap of neither, and reads one alone afterwards', async () => {
    const chip = new Pn532Personality()
    await using device = await PolledDevice.create(chip)
    await using reader = await supervise('pn532', device.line.path)
    await reader.ready()
    const asked = device.asked.length
    device.card = 'A0C2BBCA'
    chip.secondCard = '045D46B2505D80'
    await expect.poll(() => device.looks, { timeout: 10_000 }).toBeGreaterThan(10)
    expect(reader.uids()).toEqual([])
    expect(reader.supervisor.status.rejected).toEqual({ 'cards-several': 1 })
    // It is as well as ever: nothing is set up again.
    expect(device.asked.slice(asked)).not.toContain('0000FF02FED4022A00')
    chip.secondCard = undefined
    await expect.poll(reader.uids).toEqual(['A0C2BBCA'])
    chip.secondCard = '045D46B2505D80'
    await expect.poll(() => reader.supervisor.status.rejected).toEqual({ 'cards-several': 2 })
  })

  test('finds a card that lies there at every look, since the field was off in between', async () => {
    await using device = await PolledDevice.create(new Pn532Personality())
    device.card = 'A0C2BBCA'
    await using reader = await openReader('pn532', device.line.path)
    const events = collect(reader)
    await expect.poll(() => events.length).toBeGreaterThanOrEqual(6)
    expect(new Set(events.map(shortEvent))).toEqual(new Set(['A0C2BBCA']))
  })

  test('a phone is random, and one tap though its number changes at every look', async () => {
    const personality = new Pn532Personality()
    personality.isPhone = true
    await using device = await PolledDevice.create(personality)
    await using reader = await supervise('pn532', device.line.path)
    await reader.ready()
    device.card = '08000000'
    await expect.poll(() => device.looks, { timeout: 5_000 }).toBeGreaterThan(12)
    expect(reader.taps).toHaveLength(1)
    expect(reader.taps[0]).toMatchObject({ identity: 'random', proof: 'checksum' })
    expect(reader.taps[0]?.uid).toMatch(/^08/)
  })

  test('asks for a command again, and gets it', async () => {
    await using device = await PolledDevice.create(new Pn532Personality())
    await using reader = await openReader('pn532', device.line.path)
    const events = collect(reader)
    let nacks = 0
    device.distort = (answer, request) => {
      if (!request.startsWith('0000FF04FCD44A') || nacks === 1) return answer
      nacks += 1
      return '0000FFFF0000'
    }
    await device.visit('A0C2BBCA')
    await expect.poll(() => events.map(shortEvent)).toContain('A0C2BBCA')
    expect(events.filter(({ type }) => type === 'rejected')).toEqual([])
    expect(device.asked.filter((request) => request === '0000FF02FED4022A00')).toHaveLength(1)
  })

  test('an answer that no ACK announced, or that answers another command, is not believed', async () => {
    await using device = await PolledDevice.create(new Pn532Personality())
    device.card = 'A0C2BBCA'
    await using reader = await openReader('pn532', device.line.path)
    const events = collect(reader)
    device.distort = (answer, request) =>
      request.startsWith('0000FF04FCD44A') ? answer.slice('0000FF00FF00'.length) : answer
    await delay(1_000)
    const count = frames(events).length
    device.distort = (answer, request) =>
      request.startsWith('0000FF04FCD44A') ? answer.replace('D54B', 'D54D').replace(/..00$/, 'E500') : answer
    await delay(1_000)
    expect(count).toBeLessThanOrEqual(2)
    expect(frames(events)).toHaveLength(count)
  })

  test('a damaged answer is counted, never a card', async () => {
    await using device = await PolledDevice.create(new Pn532Personality())
    await using reader = await supervise('pn532', device.line.path)
    await reader.ready()
    let damaged = 0
    device.distort = (answer, request) => {
      if (!request.startsWith('0000FF04FCD44A') || damaged === 2) return answer
      damaged += 1
      return answer.replace('A0C2BBCA', 'A0C2BBCB')
    }
    device.card = 'A0C2BBCA'
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['A0C2BBCA'])
    expect(reader.supervisor.status.rejected['frame-checksum']).toBeGreaterThan(0)
    expect(reader.supervisor.status.opens).toBe(1)
  })

  test('another chip of the family is none', async () => {
    await using device = await PolledDevice.create(new Pn532Personality())
    device.distort = (answer) => answer.replace('0000FF06FAD50332010607E800', pn532Answer('0333020707'))
    await expect(openReader('pn532', device.line.path)).rejects.toMatchObject({ code: 'reader-protocol' })
  })
})

describe('a TWN4', () => {
  test('is asked with the lines of its manual', async () => {
    await using device = await PolledDevice.create(new Twn4Personality())
    await using _reader = await openReader('twn4', device.line.path)
    await expect.poll(() => device.asked.length).toBeGreaterThanOrEqual(5)
    expect(device.asked.slice(0, 5)).toEqual(['0004FF', '050010', '0501', '050010', '0501'])
  })

  test.each([
    ['0001802004A0C2BBCA', { payload: 'A0C2BBCA', technology: 'iso14443a' }],
    ['0001803807041F38D29A5B80', { payload: '041F38D29A5B80', technology: 'iso14443a' }],
    ['000140280501026F6C3A', { payload: '01026F6C3A', technology: 'lf' }],
    ['0001491A04808001C0', { payload: '02020007', bits: 26, technology: 'lf' }],
    ['0001802004080A1B2C', { payload: '080A1B2C', technology: 'iso14443a' }],
  ])('line %s is a card', async (line, card) => {
    await using device = await PolledDevice.create(new Twn4Personality())
    device.distort = (answer, request) => (request === '050010' ? hexOf(`${line}\r`) : answer)
    await using reader = await openReader('twn4', device.line.path)
    const events = collect(reader)
    await expect.poll(() => frames(events).length).toBeGreaterThan(0)
    expect(frames(events)[0]).toMatchObject(card)
  })

  test('an id that is longer than asked for comes cut, and is refused', async () => {
    await using device = await PolledDevice.create(new Twn4Personality())
    const cut = hexOf(`000182A010${'A0'.repeat(16)}\r`)
    device.distort = (answer, request) => (request === '050010' ? cut : answer)
    await using reader = await openReader('twn4', device.line.path)
    const events = collect(reader)
    await expect.poll(() => events.length).toBeGreaterThan(0)
    expect(events[0]).toEqual({ type: 'rejected', code: 'answer-malformed', bytes: 42 })
  })

  test('another firmware is none', async () => {
    const personality = new Twn4Personality()
    personality.version = 'STD/1.00/B'
    await using device = await PolledDevice.create(personality)
    await expect(openReader('twn4', device.line.path)).rejects.toMatchObject({ code: 'reader-protocol' })
  })

  test.each([
    ['accepted', ['041003', '041102', '04073C60093C000000']],
    ['refused', ['041003', '041101', '04073CB004FA000000']],
  ] as const)('shows and sounds %s, and the light goes out again', async (what, requests) => {
    await using device = await PolledDevice.create(new Twn4Personality())
    await using reader = await openReader('twn4', device.line.path)
    await expect.poll(() => device.looks).toBeGreaterThan(0)
    const told = performance.now()
    reader.feedback?.(what)
    const shown = () => device.asked.filter((request) => request.startsWith('04'))
    await expect.poll(shown).toEqual(requests)
    expect(performance.now() - told).toBeLessThan(400)
    await expect.poll(shown, { timeout: 3_000 }).toEqual([...requests, '041203'])
    expect(performance.now() - told).toBeGreaterThan(900)
  })

  test('reads on when it has neither light nor sound', async () => {
    await using device = await PolledDevice.create(new Twn4Personality())
    device.distort = (answer, request) => (request.startsWith('04') ? hexOf('01\r') : answer)
    await using reader = await supervise('twn4', device.line.path)
    await reader.ready()
    device.card = 'A0C2BBCA'
    await expect.poll(reader.uids).toEqual(['A0C2BBCA'])
    reader.supervisor.feedback('accepted', reader.taps[0] ?? { tappedAtMonoMs: 0 })
    await expect.poll(() => device.asked, { timeout: 3_000 }).toContain('041203')
    expect(reader.supervisor.status).toMatchObject({ rejected: {}, fault: null, opens: 1 })
  })
})

describe('a 7941W', () => {
  test('is asked for both kinds of card in turn, and makes a tap of each', async () => {
    await using device = await PolledDevice.create(new Module7941wPersonality())
    device.card = '080A1B2C'
    device.lfCard = '2E00B6A302'
    await using reader = await supervise('7941w', device.line.path)
    await reader.ready()
    await expect.poll(() => device.looks, { timeout: 5_000 }).toBeGreaterThan(10)
    expect(reader.taps).toMatchObject([
      { uid: '080A1B2C', identity: 'random', proof: 'checksum' },
      { uid: '2E00B6A302', identity: 'stable', proof: 'checksum' },
    ])
    expect(device.asked.slice(-4).toSorted()).toEqual([
      'ABBA00100010',
      'ABBA00100010',
      'ABBA00150015',
      'ABBA00150015',
    ])
  })

  test('a late answer to the one question is no answer to the other', async () => {
    await using device = await PolledDevice.create(new Module7941wPersonality())
    device.card = 'A0C2BBCA'
    device.lfCard = '2E00B6A302'
    await using reader = await supervise('7941w', device.line.path)
    await reader.ready()
    let last = ''
    // Every answer is that of the question before.
    device.distort = (answer) => {
      const late = last
      last = answer
      return late
    }
    await delay(1_500)
    device.distort = (answer) => answer
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['A0C2BBCA', '2E00B6A302'])
    expect(new Set(reader.uids())).toEqual(new Set(['A0C2BBCA', '2E00B6A302']))
  })

  test('that answers one of two questions reads what it finds, says of no card that it left, and is deaf in the end', async () => {
    await using device = await PolledDevice.create(new Module7941wPersonality())
    device.distort = (answer, request) => (request === 'ABBA00150015' ? '' : answer)
    await using reader = await openReader('7941w', device.line.path)
    const texts: string[] = []
    const ended = (async () => {
      for await (const event of reader.events()) texts.push(shortEvent(event))
    })()
    const deaf = expect(ended).rejects.toMatchObject({ code: 'reader-deaf' })
    await device.visit('A0C2BBCA')
    await deaf
    expect(texts).toEqual(['A0C2BBCA'])
  })

  test('with cards=lf is asked for nothing else, once it is found', async () => {
    await using device = await PolledDevice.create(new Module7941wPersonality())
    device.lfCard = '080A1B2C3D'
    await using reader = await supervise('7941w', device.line.path, '?cards=lf')
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['080A1B2C3D'])
    await delay(400)
    expect(new Set(device.asked.slice(1))).toEqual(new Set(['ABBA00150015']))
  })
})
