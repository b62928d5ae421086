import { chmod, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { systemClock, type Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { disposition, replyBytes, returnValues, shareMode } from '../codecs/pcscd.ts'
import { readerConformance, type ReaderBench } from '../reader-conformance.testing.ts'
import type { Reader, ReaderContext } from '../reader.ts'
import { listen, readerContext, superviseAlone } from '../session.testing.ts'
import { readReaderSpec } from '../spec.ts'
import {
  commands,
  fakeCard,
  FakePcscd,
  type CommandName,
  type Misbehaviour,
  words,
} from '../transports/fake-pcscd.testing.ts'
import { discoverPcsc } from './pcsc.ts'
import { findReader } from './pcsc-readers.ts'

const desk = 'Desk Reader 00 00'
const phone = '3B80800101'
const desfire = '3B8180018080'
const sim = '3B9F96801FC78031E073FE211B63004C45474943414C0D'

/** Time goes 50 times as fast: what would take ten seconds is over in 200 ms. */
const fastClock: Clock = {
  now: () => systemClock.now(),
  monoMs: () => systemClock.monoMs() * 50,
  sleep: (ms, signal) => systemClock.sleep(ms / 50, signal),
}

const soon = { timeout: 10_000, interval: 10 }

async function open(
  daemon: Pick<FakePcscd, 'socket'>,
  { path = desk, query = '', ...context }: Partial<ReaderContext> & { path?: string; query?: string } = {},
): Promise<Reader> {
  const spec = await readReaderSpec(`pcsc:${path}?socket=${daemon.socket}&presenceGapMs=0${query}`)
  return spec.driver.open(spec.options, readerContext(context))
}

/** Collects what a session says, and what it threw at its end. */
describe('the pcsc reader keeps the promises of every reader', () => {
  test.each(readerConformance)('$name', async ({ run }) => {
    await using daemon = await FakePcscd.create(desk)
    const bench: ReaderBench = {
      open: () => open(daemon),
      frame: async (text) => {
        const read = daemon.hears('FFCA000000')
        daemon.insert(desk, fakeCard(text))
        await read
        daemon.remove(desk)
      },
      half: async () => {
        // The answer of the card is announced, and does not come.
        daemon.misbehave('transmit', words(100, 2, 16, 5, 2, 16, 6, 0), 1)
        const read = daemon.hears('transmit')
        daemon.insert(desk, fakeCard('04A22404A224'))
        await read
      },
      unplug: () => {
        daemon.pullOut(desk)
        return Promise.resolve()
      },
      replug: () => {
        daemon.plugIn(desk)
        return Promise.resolve()
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
    await run(bench)
  })
})

describe('a card', () => {
  test('that lies there when the reader is opened is read', async () => {
    await using daemon = await FakePcscd.create(desk)
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await using reader = await open(daemon)
    const { texts } = listen(reader)
    await expect.poll(() => texts, soon).toEqual(['A0C2BBCA'])
  })

  test.each([
    ['a Classic', 'A0C2BBCA', undefined, { technology: 'iso14443a' }],
    ['a card of seven bytes', '041F38D29A5B80', undefined, { technology: 'iso14443a' }],
    ['a card of ten bytes', '0102030405060708090A', undefined, { technology: 'iso14443a' }],
    ['an ISO 14443-4 card', '041F38D29A5B80', desfire, {}],
    ['a phone', '08DDEA85', phone, { isAnonymous: true }],
  ])('is what its ATR says: %s', async (_, uid, atr, kind) => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon)
    const { events } = listen(reader)
    daemon.insert(desk, fakeCard(uid, atr))
    await expect
      .poll(() => events.find(({ type }) => type === 'frame'), soon)
      .toEqual({
        type: 'frame',
        payload: uid,
        form: 'bytes',
        proof: 'none',
        receivedAtMonoMs: expect.any(Number) as unknown,
        ...kind,
      })
  })

  test('that is taken away is removed, and one that was never there is not', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon)
    const { texts } = listen(reader)
    // Nothing lies there: whatever an earlier session saw has left.
    await expect.poll(() => texts, soon).toEqual(['removed'])
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await expect.poll(() => texts, soon).toEqual(['removed', 'A0C2BBCA'])
    daemon.remove(desk)
    await expect.poll(() => texts, soon).toEqual(['removed', 'A0C2BBCA', 'removed'])
  })

  test('swapped for another between two looks is seen by the event counter alone', async () => {
    await using daemon = await FakePcscd.create(desk)
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await using reader = await open(daemon)
    const { texts } = listen(reader)
    await expect.poll(() => texts, soon).toEqual(['A0C2BBCA'])
    daemon.swap(desk, fakeCard('DEADBEEF'))
    await expect.poll(() => texts, soon).toEqual(['A0C2BBCA', 'removed', 'DEADBEEF'])
  })

  test('swapped for another before it is connected is not taken for that one', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon)
    const { texts } = listen(reader)
    await expect.poll(() => texts, soon).toEqual(['removed'])
    daemon.beforeConnect = () => {
      daemon.beforeConnect = () => undefined
      daemon.swap(desk, fakeCard('DEADBEEF', phone))
    }
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await expect.poll(() => texts, soon).toEqual(['removed', 'removed', 'DEADBEEF'])
  })

  test('is asked once while it lies there, whatever happens to other readers', async () => {
    await using daemon = await FakePcscd.create(desk, 'Other Reader 00 00')
    await using reader = await open(daemon)
    const { texts } = listen(reader)
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await expect.poll(() => texts, soon).toContain('A0C2BBCA')
    for (let round = 0; round < 5; round += 1) {
      const looked = daemon.hears('wait')
      daemon.insert('Other Reader 00 00', fakeCard('DEADBEEF'))
      await looked
    }
    expect(daemon.told).toEqual(['FFCA000000'])
    expect(texts).toEqual(['removed', 'A0C2BBCA'])
  })

  test('is said to lie there still, as often as its presence needs', async () => {
    await using daemon = await FakePcscd.create(desk)
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    const spec = await readReaderSpec(`pcsc:${desk}?socket=${daemon.socket}&presenceGapMs=60`)
    await using reader = await spec.driver.open(spec.options, readerContext())
    const { texts } = listen(reader)
    await expect.poll(() => texts.length, soon).toBeGreaterThan(4)
    daemon.remove(desk)
    await expect.poll(() => texts, soon).toContain('removed')
    const atRemoval = texts
    await systemClock.sleep(150, new AbortController().signal)
    expect(texts).toEqual(atRemoval)
    expect(new Set(atRemoval)).toEqual(new Set(['A0C2BBCA', 'removed']))
    expect(daemon.told).toEqual(['FFCA000000'])
  })

  test('that goes on lying there while the daemon is started again is one tap', async () => {
    await using daemon = await FakePcscd.create(desk)
    const spec = await readReaderSpec(`pcsc:${desk}?socket=${daemon.socket}&presenceGapMs=1500&cooldownMs=0`)
    await using reader = superviseAlone(spec)
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await expect.poll(reader.uids, soon).toEqual(['A0C2BBCA'])
    // Presence would have ended by now if the reader had said nothing more.
    await systemClock.sleep(2_000, new AbortController().signal)
    await daemon.stop()
    const readAgain = daemon.hears('FFCA000000')
    await daemon.start()
    await readAgain
    daemon.swap(desk, fakeCard('DEADBEEF'))
    await expect.poll(reader.uids, soon).toEqual(['A0C2BBCA', 'DEADBEEF'])
    expect(reader.supervisor.status.opens).toBe(2)
  })

  test.each([
    ['without a UID', { atr: desfire, answer: () => '6A81' }, ['!answer-failed']],
    ['that answers nonsense', { atr: desfire, answer: () => '6F00' }, ['!answer-malformed']],
    ['that answers nothing', { atr: desfire, answer: () => '9000' }, ['!answer-malformed']],
  ])('%s is rejected, once', async (_, card, expected) => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon, { clock: fastClock })
    const { texts } = listen(reader)
    daemon.insert(desk, card)
    await expect.poll(() => texts, soon).toEqual(['removed', ...expected])
    daemon.swap(desk, fakeCard('A0C2BBCA'))
    await expect.poll(() => texts, soon).toEqual(['removed', ...expected, 'removed', 'A0C2BBCA'])
  })

  test('with contacts is rejected and never told a command of contactless ones', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon)
    const { texts } = listen(reader)
    daemon.insert(desk, fakeCard('A0C2BBCA', sim))
    await expect.poll(() => texts, soon).toEqual(['removed', '!answer-failed'])
    expect(daemon.told).toEqual([])
  })

  test('that cannot be connected for a moment is read all the same', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon)
    const { texts } = listen(reader)
    daemon.misbehave('connect', { rv: returnValues.unresponsiveCard }, 2)
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await expect.poll(() => texts, soon).toEqual(['removed', 'A0C2BBCA'])
  })

  test('that is mute is rejected, once', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon, { clock: fastClock })
    const { texts } = listen(reader)
    daemon.misbehave('connect', { rv: returnValues.unresponsiveCard })
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await expect.poll(() => texts, soon).toEqual(['removed', '!answer-failed'])
  })

  test('that leaves while it is read is no fault and no rejection', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon)
    const { texts } = listen(reader)
    daemon.misbehave('transmit', { rv: returnValues.removedCard })
    const read = daemon.hears('transmit')
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await read
    daemon.remove(desk)
    await expect.poll(() => texts, soon).toEqual(['removed', 'removed'])
    daemon.behave()
    daemon.insert(desk, fakeCard('DEADBEEF'))
    await expect.poll(() => texts, soon).toEqual(['removed', 'removed', 'DEADBEEF'])
  })

  test('that another program keeps to itself is a fault after two seconds, until it is read', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon, { clock: fastClock })
    const { texts } = listen(reader)
    daemon.misbehave('connect', { rv: returnValues.sharingViolation })
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await expect.poll(() => texts, soon).toEqual(['removed', 'fault reader-busy'])
    daemon.behave()
    await expect.poll(() => texts, soon).toEqual(['removed', 'fault reader-busy', 'fault over', 'A0C2BBCA'])
  })

  test('that another program keeps to itself for a moment is no fault', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon)
    const { texts } = listen(reader)
    daemon.misbehave('connect', { rv: returnValues.sharingViolation }, 3)
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await expect.poll(() => texts, soon).toEqual(['removed', 'A0C2BBCA'])
  })

  test('that another program keeps to itself is a fault no longer when it is gone', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon, { clock: fastClock })
    const { texts } = listen(reader)
    daemon.misbehave('connect', { rv: returnValues.sharingViolation })
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await expect.poll(() => texts, soon).toContain('fault reader-busy')
    daemon.remove(desk)
    await expect.poll(() => texts, soon).toEqual(['removed', 'fault reader-busy', 'fault over', 'removed'])
  })
})

describe('a daemon that', () => {
  test.each([3, 4, 5])('speaks 4.%i is understood', async (minor) => {
    for (const isLenient of [true, false]) {
      await using daemon = await FakePcscd.create(desk)
      Object.assign(daemon, { minor, isLenient })
      daemon.insert(desk, fakeCard('A0C2BBCA'))
      await using reader = await open(daemon)
      const { texts } = listen(reader)
      await expect.poll(() => texts, soon).toEqual(['A0C2BBCA'])
    }
  })

  test.each([
    [4, 2],
    [4, 6],
    [3, 4],
    [5, 0],
  ])('speaks %i.%i is not', async (major, minor) => {
    await using daemon = await FakePcscd.create(desk)
    Object.assign(daemon, { major, minor, isLenient: false })
    await expect(open(daemon)).rejects.toMatchObject({ code: 'reader-protocol' })
  })

  /** At which question what happens, and what that is called when the reader is opened. */
  const badOpens: [CommandName, Misbehaviour, string][] = [
    ['version', 'silence', 'reader-daemon-down'],
    ['version', words(4), 'reader-daemon-down'],
    ['version', 'hang-up', 'reader-unauthorised'],
    ['version', { rv: returnValues.securityViolation }, 'reader-unauthorised'],
    ['version', { rv: returnValues.noService }, 'reader-daemon-down'],
    ['version', { rv: 0x80100003 }, 'reader-protocol'],
    ['version', new TextEncoder().encode('HTTP/1.1 400'), 'reader-protocol'],
    ['version', words(4, 4, 0, 0), 'reader-protocol'],
    ['version', new Uint8Array(100_000), 'reader-protocol'],
    ['establish', 'silence', 'reader-daemon-down'],
    ['establish', words(2, 1), 'reader-daemon-down'],
    ['establish', 'hang-up', 'reader-daemon-down'],
    ['establish', { rv: returnValues.securityViolation }, 'reader-unauthorised'],
    ['establish', { rv: returnValues.serviceStopped }, 'reader-daemon-down'],
    ['establish', { rv: 0x80100004 }, 'reader-protocol'],
    ['readers', 'silence', 'reader-daemon-down'],
    ['readers', 'hang-up', 'reader-daemon-down'],
    ['readers', new Uint8Array(100), 'reader-daemon-down'],
    ['readers', new Uint8Array(replyBytes.readers), 'reader-not-found'],
  ]
  test.each(badOpens)('answers %s with %o is %s', async (at, how, code) => {
    await using daemon = await FakePcscd.create(desk)
    daemon.misbehave(at, how)
    await expect(open(daemon, { clock: fastClock })).rejects.toMatchObject({ code })
    daemon.behave()
    await using reader = await open(daemon)
    expect(reader.capabilities).toEqual({ removal: 'native' })
  })

  /** The same for an open reader with a card. */
  const badSessions: [CommandName, Misbehaviour, string][] = [
    ['wait', 'silence', 'reader-daemon-down'],
    ['wait', 'hang-up', 'reader-daemon-down'],
    ['wait', new Uint8Array(100), 'reader-daemon-down'],
    ['wait', new Uint8Array(100_000), 'reader-protocol'],
    ['wait', new Uint8Array(replyBytes.readers), 'reader-unplugged'],
    ['stopWaiting', 'silence', 'reader-daemon-down'],
    ['stopWaiting', words(1), 'reader-daemon-down'],
    ['stopWaiting', words(0, 0x80100004), 'reader-protocol'],
    ['stopWaiting', words(0, 0, 0), 'reader-protocol'],
    ['connect', 'silence', 'reader-deaf'],
    ['connect', new Uint8Array(50), 'reader-deaf'],
    ['connect', 'hang-up', 'reader-unauthorised'],
    ['connect', { rv: returnValues.securityViolation }, 'reader-unauthorised'],
    ['connect', { rv: returnValues.noService }, 'reader-daemon-down'],
    ['transmit', 'silence', 'reader-deaf'],
    ['transmit', 'hang-up', 'reader-daemon-down'],
    ['transmit', words(100, 2, 16, 5, 2, 16, 6, 0), 'reader-deaf'],
    ['transmit', words(100, 2, 16, 5, 2, 16, 0x7fffffff, 0), 'reader-protocol'],
    ['disconnect', 'silence', 'reader-deaf'],
    ['disconnect', words(1, 2, 3, 4), 'reader-protocol'],
  ]
  test.each(badSessions)('answers %s with %o ends the session as %s', async (at, how, code) => {
    await using daemon = await FakePcscd.create(desk)
    daemon.misbehave(at, how)
    await using reader = await open(daemon, { clock: fastClock })
    const { ended } = listen(reader)
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    if (at === 'disconnect' && how instanceof Uint8Array) {
      // What was not asked for is found at the next question.
      await daemon.hears('disconnect')
      daemon.swap(desk, fakeCard('DEADBEEF'))
    }
    expect(await ended).toMatchObject({ code })
    expect(await ended).toBeInstanceOf(AppError)
  })

  test('is idle is asked from time to time, and goes on working', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon, { clock: fastClock })
    const { texts } = listen(reader)
    for (let round = 0; round < 3; round += 1) await daemon.hears('stopWaiting')
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await expect.poll(() => texts, soon).toEqual(['removed', 'A0C2BBCA'])
  })

  test('never stops telling of changes does not keep us busy', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon)
    const { ended } = listen(reader)
    const untilMs = systemClock.monoMs() + 300
    let looks = 0
    while (systemClock.monoMs() < untilMs) {
      const looked = daemon.hears('wait')
      daemon.changed()
      await looked
      looks += 1
    }
    expect(looks).toBeLessThan(40)
    await reader[Symbol.asyncDispose]()
    expect(await ended).toBeUndefined()
  })

  test('ends is down, and back when it is back', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon)
    const { ended } = listen(reader)
    await daemon.stop()
    expect(await ended).toMatchObject({ code: 'reader-daemon-down' })
    await expect(open(daemon)).rejects.toMatchObject({ code: 'reader-daemon-down' })
    await daemon.start()
    await using again = await open(daemon)
    const { texts } = listen(again)
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await expect.poll(() => texts, soon).toContain('A0C2BBCA')
  })

  test('ends while a card is asked for is down, and refuses nobody', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon)
    const { ended } = listen(reader)
    daemon.misbehave('connect', 'hang-up')
    let stopped: Promise<void> | undefined
    daemon.beforeConnect = () => {
      setTimeout(() => {
        stopped = daemon.stop()
      }, 50)
    }
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    expect(await ended).toMatchObject({ code: 'reader-daemon-down' })
    await stopped
  })

  test('gets no answer from the reader for two seconds has a deaf one', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon, { clock: fastClock })
    const { texts, ended } = listen(reader)
    daemon.lose(desk)
    await daemon.hears('wait')
    daemon.lose(desk, false)
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await expect.poll(() => texts, soon).toContain('A0C2BBCA')
    daemon.lose(desk)
    expect(await ended).toMatchObject({ code: 'reader-deaf' })
    await expect(open(daemon)).rejects.toMatchObject({ code: 'reader-deaf' })
  })

  test('may say anything at all, and is never waited for without end', async () => {
    await using daemon = await FakePcscd.create(desk)
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    const at = fc.constantFrom<CommandName>('version', 'establish', 'readers', 'wait', 'connect', 'transmit')
    await fc.assert(
      fc.asyncProperty(at, fc.uint8Array({ maxLength: 200 }), async (command, bytes) => {
        daemon.behave()
        daemon.misbehave(command, bytes)
        const outcome = await open(daemon, { clock: fastClock }).then(
          async (reader) => {
            await using session = reader
            return await Promise.race([listen(session).ended, daemon.hears('stopWaiting')])
          },
          (error: unknown) => error,
        )
        // It failed with a code, or lives on with a card that said something else.
        if (outcome !== undefined) expect(outcome).toBeInstanceOf(AppError)
      }),
      { numRuns: 15 },
    )
  })
})

describe('opening', () => {
  test('where no daemon is, or only what one left, is reader-daemon-down', async () => {
    await using daemon = await FakePcscd.create(desk)
    await daemon.stop()
    await expect(open(daemon)).rejects.toMatchObject({ code: 'reader-daemon-down' })
    await writeFile(daemon.socket, '')
    await expect(open(daemon)).rejects.toMatchObject({ code: 'reader-daemon-down' })
    const below = { socket: `${daemon.socket}/x` }
    await expect(open(below)).rejects.toMatchObject({ code: 'reader-daemon-down' })
  })

  test('a socket that is not ours is reader-unauthorised', async () => {
    await using daemon = await FakePcscd.create(desk)
    await chmod(daemon.socket, 0o000)
    const isRoot = process.geteuid?.() === 0
    // Nobody is refused anything as root.
    if (isRoot) await chmod(daemon.socket.replace(/\/[^/]*$/, ''), 0o755)
    if (isRoot) process.seteuid?.('nobody')
    try {
      await expect(open(daemon)).rejects.toMatchObject({ code: 'reader-unauthorised' })
    } finally {
      if (isRoot) process.seteuid?.('root')
    }
  })

  test('can be given up while the daemon is silent', async () => {
    for (const at of ['version', 'establish', 'readers'] as const) {
      await using daemon = await FakePcscd.create(desk)
      daemon.misbehave(at, 'silence')
      const stop = new AbortController()
      const asked = daemon.hears(at)
      const opening = open(daemon, { signal: stop.signal })
      void asked.then(() => {
        stop.abort()
      })
      await expect(opening).rejects.toMatchObject({ code: 'reader-failed' })
    }
  })

  test('a reader under another socket is another reader', async () => {
    await using one = await FakePcscd.create(desk)
    await using two = await FakePcscd.create(desk)
    await using first = await open(one)
    await using second = await open(two)
    expect(first).not.toBe(second)
  })

  test('takes as much of a name as says which reader is meant', async () => {
    await using daemon = await FakePcscd.create(desk, 'Other Reader 00 00')
    await using reader = await open(daemon, { path: 'Other' })
    const { texts } = listen(reader)
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    daemon.insert('Other Reader 00 00', fakeCard('DEADBEEF'))
    await expect.poll(() => texts, soon).toContain('DEADBEEF')
    expect(texts).not.toContain('A0C2BBCA')
    await expect(open(daemon, { path: 'auto' })).rejects.toMatchObject({ code: 'reader-not-found' })
  })

  test('hands over every byte that comes and goes; the card is shared, and left as it is', async () => {
    await using daemon = await FakePcscd.create(desk)
    const traced = { in: 0, out: [] as Buffer[] }
    await using reader = await open(daemon, {
      trace: (bytes, direction) => {
        if (direction === 'in') traced.in += bytes.length
        else traced.out.push(Buffer.from(bytes))
      },
    })
    const { texts } = listen(reader)
    daemon.insert(desk, fakeCard('A0C2BBCA'))
    await expect.poll(() => texts, soon).toContain('A0C2BBCA')
    await expect.poll(() => daemon.asked, soon).toContain('disconnect')
    expect(traced.out).toHaveLength(daemon.asked.length)
    const { version, establish, readers } = replyBytes
    expect(traced.in).toBeGreaterThan(2 * version + establish + 3 * readers)

    const sent = (command: CommandName): Buffer | undefined =>
      traced.out.find((bytes) => bytes.readUInt32LE(4) === commands[command])
    expect(sent('connect')?.readUInt32LE(8 + 132)).toBe(shareMode.shared)
    expect(sent('transmit')?.toString('hex')).toMatch(/ffca000000$/)
    expect(sent('disconnect')?.readUInt32LE(8 + 4)).toBe(disposition.leave)
  })
})

describe('the options', () => {
  test.each(['socket=run', 'format=hex', 'uidBytes=3', 'byteOrder=x'])('refuse %s', async (query) => {
    await expect(readReaderSpec(`pcsc:auto?${query}`)).rejects.toMatchObject({ code: 'reader-spec-invalid' })
  })

  test('have defaults', async () => {
    const { id, options } = await readReaderSpec('pcsc:ACS ACR122U PICC Interface 00 00')
    expect(id).toBe('pcsc:ACS ACR122U PICC Interface 00 00')
    expect(options).toEqual({
      path: 'ACS ACR122U PICC Interface 00 00',
      socket: '/run/pcscd/pcscd.comm',
      profile: { format: 'hex', byteOrder: 'as-sent', uidBytes: undefined },
      presenceGapMs: 5_000,
      cooldownMs: 1_500,
    })
  })
})

describe('a reader is found', () => {
  const names = [
    'ACS ACR1252 Dual Reader [ACR1252 Dual Reader PICC] 00 00',
    'ACS ACR1252 Dual Reader [ACR1252 Dual Reader SAM] 01 00',
    'Reader 1',
    'Reader 10',
  ]
  const state = (name: string) => ({
    name,
    eventCounter: 0,
    isCardPresent: false,
    isLost: false,
    atr: new Uint8Array(),
  })
  const found = (path: string, among = names): string => {
    try {
      return findReader(among.map(state), path).name
    } catch (error) {
      return error instanceof AppError ? `${error.code}: ${error.message}` : 'a bug'
    }
  }

  test.each(names)('by its whole name: %s', (name) => {
    expect(found(name)).toBe(name)
  })

  test('by the start of its name, where that fits no other', () => {
    expect(found('ACS ACR1252 Dual Reader [ACR1252 Dual Reader P')).toBe(names[0])
    expect(found('ACS')).toMatch(/^reader-not-found: 2 readers/)
    expect(found('[ACR1252 Dual Reader PICC]')).toMatch(/^reader-not-found: /)
    expect(found('Reader 100')).toMatch(/^reader-not-found: /)
  })

  test('as the only one that takes cards', () => {
    expect(found('auto', names.slice(0, 2))).toBe(names[0])
    expect(found('auto', [])).toMatch(/^reader-not-found: /)
    expect(found('auto')).toMatch(/^reader-not-found: 3 readers/)
  })
})

describe('discovery', () => {
  const { signal } = new AbortController()

  test('lists the readers that take cards', async () => {
    await using daemon = await FakePcscd.create(desk, 'Other SAM 01 00', 'Other PICC 00 00')
    const found = await discoverPcsc(daemon.socket, signal)
    expect(found.map(({ spec }) => spec)).toEqual([`pcsc:${desk}`, 'pcsc:Other PICC 00 00'])
    expect(daemon.asked).not.toContain('connect')
  })

  test('finds nothing where no daemon is, or none that is understood', async () => {
    await using daemon = await FakePcscd.create(desk)
    Object.assign(daemon, { major: 9 })
    expect(await discoverPcsc(daemon.socket, signal)).toEqual([])
    await daemon.stop()
    expect(await discoverPcsc(daemon.socket, signal)).toEqual([])
  })

  test('ends when it is given up, though somebody else listens there in silence', async () => {
    await using daemon = await FakePcscd.create(desk)
    await daemon.stop()
    const silent = createServer().listen(daemon.socket)
    await once(silent, 'listening')
    const connected = once(silent, 'connection')
    const stop = new AbortController()
    const found = discoverPcsc(daemon.socket, stop.signal)
    await connected
    stop.abort()
    expect(await found).toEqual([])
    silent.close()
  })
})

describe('the lights and the buzzer of an ACR122U', () => {
  const acr122 = 'ACS ACR122U PICC Interface 00 00'
  const accepted = 'FF0040A00402010101'
  const refused = 'FF0040500401010301'

  async function withCard(daemon: FakePcscd, context: Partial<ReaderContext> = {}) {
    const reader = await open(daemon, { path: acr122, ...context })
    const { texts, ended } = listen(reader)
    daemon.insert(acr122, fakeCard('A0C2BBCA'))
    await expect.poll(() => texts, soon).toContain('A0C2BBCA')
    return { reader, texts, ended }
  }

  test('show what became of a card, and its own beep is turned off once', async () => {
    await using daemon = await FakePcscd.create(acr122)
    const { reader, texts } = await withCard(daemon)
    await using _ = reader
    reader.feedback?.('accepted')
    await expect.poll(() => daemon.told, soon).toEqual(['FFCA000000', 'FF00520000', accepted])
    daemon.swap(acr122, fakeCard('DEADBEEF'))
    await expect.poll(() => texts, soon).toContain('DEADBEEF')
    reader.feedback?.('refused')
    await expect
      .poll(() => daemon.told, soon)
      .toEqual(['FFCA000000', 'FF00520000', accepted, 'FFCA000000', refused])
  })

  test('show nothing for a card that has left, also when the next one comes', async () => {
    await using daemon = await FakePcscd.create(acr122)
    const { reader, texts } = await withCard(daemon)
    await using _ = reader
    daemon.remove(acr122)
    await expect.poll(() => texts.at(-1), soon).toBe('removed')
    reader.feedback?.('accepted')
    daemon.insert(acr122, fakeCard('DEADBEEF'))
    await expect.poll(() => texts, soon).toContain('DEADBEEF')
    reader.feedback?.('refused')
    await expect.poll(() => daemon.told, soon).toContain(refused)
    expect(daemon.told).not.toContain(accepted)
  })

  test('show the last of several, and nothing that is a second old', async () => {
    await using daemon = await FakePcscd.create(acr122)
    let shiftMs = 0
    const clock: Clock = { ...systemClock, monoMs: () => systemClock.monoMs() + shiftMs }
    const { reader } = await withCard(daemon, { clock })
    await using _ = reader
    await expect.poll(() => daemon.told, soon).toContain('FF00520000')
    reader.feedback?.('accepted')
    reader.feedback?.('refused')
    await expect.poll(() => daemon.told, soon).toContain(refused)
    reader.feedback?.('accepted')
    shiftMs = 1_500
    await systemClock.sleep(100, new AbortController().signal)
    reader.feedback?.('refused')
    await expect.poll(() => daemon.told.filter((hex) => hex === refused), soon).toHaveLength(2)
    expect(daemon.told).not.toContain(accepted)
  })

  test('that do not answer end the session', async () => {
    await using daemon = await FakePcscd.create(acr122)
    const { reader, ended } = await withCard(daemon, { clock: fastClock })
    await using _ = reader
    daemon.misbehave('transmit', 'silence')
    reader.feedback?.('accepted')
    expect(await ended).toMatchObject({ code: 'reader-deaf' })
  })

  test('are there on no other reader', async () => {
    await using daemon = await FakePcscd.create(desk)
    await using reader = await open(daemon)
    expect(reader).toHaveProperty('feedback', undefined)
  })
})
