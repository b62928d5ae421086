import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { hexBytes, toHex } from '../codecs/bytes.ts'
import { ManualClock } from '../manual-clock.testing.ts'
import { type VirtualBench, virtualChaos } from '../virtual-chaos.testing.ts'
import { readerConformance, type ReaderBench } from '../reader-conformance.testing.ts'
import type { Reader, ReaderContext } from '../reader.ts'
import { listen as listenToAll, readerContext, superviseAlone } from '../session.testing.ts'
import { readReaderSpec } from '../spec.ts'
import { FakeHid, keyboardWithFeature, type FakeHidDevice, typed } from '../transports/hid.testing.ts'
import { pcprox, pcproxOn } from './pcprox.ts'
import { PlayedPcprox } from './played-pcprox.testing.ts'

const device = '0C27:3BFA'
const path = '0c27:3bfa'

function openOn(machine: FakeHid, query: Record<string, string> = {}, given: Partial<ReaderContext> = {}) {
  const driver = pcproxOn(machine.bus)
  return driver.open(driver.options.parse({ path, pollMs: '20', ...query }), readerContext(given))
}

/** What a session says, without the answers that there is no card. */
function listen(reader: Reader) {
  const { texts: all, ended } = listenToAll(reader)
  return { all, texts: () => all.filter((text) => text !== 'missed'), ended }
}

/** Time passes, and what is read from files in it. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 1) {
    await clock.pass(1)
    if (passedMs % 50 === 0) await delay(1)
  }
}

async function openAt(
  clock: ManualClock,
  machine: FakeHid,
  query: Record<string, string> = {},
): Promise<Reader> {
  let isDone = false
  const opening = openOn(machine, { pollMs: '250', ...query }, { clock }).finally(() => (isDone = true))
  opening.catch(() => undefined)
  while (!isDone) {
    await clock.pass(1)
    await delay(1)
  }
  return opening
}

describe('the pcprox reader keeps the promises of every reader', () => {
  test.each(readerConformance)('$name', async ({ run }) => {
    await using machine = await FakeHid.create()
    const played = new PlayedPcprox()
    let plugged: FakeHidDevice = await machine.plug(played.model())
    const bench: ReaderBench = {
      open: () => openOn(machine),
      frame: async (text) => {
        played.visitors.push(text)
        await expect.poll(() => played.visitors, { timeout: 5_000, interval: 5 }).toEqual([])
      },
      half: async () => {
        played.breaksOff = true
        await bench.frame('04A22411')
      },
      unplug: () => plugged.unplug(),
      replug: async () => {
        played.breaksOff = false
        plugged = await machine.plug(played.model(), 1)
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
    await run(bench)
  })
})

describe('the pcprox reader outlives what goes wrong in a lobby', () => {
  const uids = { first: 'A0C2BBCA', second: '04A224F1' }

  test.each(virtualChaos)('$name', { timeout: 60_000 }, async ({ run }) => {
    await using stack = new AsyncDisposableStack()
    await run({
      name: 'pcprox',
      uids,
      async plug(): Promise<VirtualBench> {
        const machine = stack.use(await FakeHid.create())
        const played = new PlayedPcprox()
        await machine.plug(played.model())
        const clock = new ManualClock()
        const driver = pcproxOn(machine.bus)
        let isOpen = false
        return {
          clock,
          spec: { id: `pcprox:${path}`, driver, options: driver.options.parse({ path }) },
          repeats: true,
          show: (card) => {
            played.card = card === undefined ? undefined : uids[card]
          },
          pass: async (ms) => {
            // Opening looks at files: that takes real time.
            for (; !isOpen && ms > 0; ms -= 5) {
              await clock.pass(5)
              await delay(1)
            }
            isOpen = true
            await clock.pass(ms)
          },
          stall: (ms) => {
            clock.stall(ms)
          },
          // It says nothing unasked: the next answers are noise.
          noise: (bytes) => {
            played.garbage = [bytes.slice(0, 9), bytes.slice(9, 18)]
          },
        }
      },
    })
  })
})

describe('a card', () => {
  test('is asked for four times a second, its data first', async () => {
    await using machine = await FakeHid.create()
    const clock = new ManualClock()
    const played = new PlayedPcprox()
    await machine.plug(played.model())
    const reader = await openAt(clock, machine)
    await pass(clock, 1_000)
    await reader[Symbol.asyncDispose]()
    const [device, ...questions] = played.asked.map((request) => request.slice(2, 4))
    expect(device).toBe('8A')
    const turns = questions.join(' ').match(/8F 8E/g) ?? []
    expect(questions).toHaveLength(2 * turns.length)
    expect(turns.length).toBeGreaterThanOrEqual(4)
    expect(turns.length).toBeLessThanOrEqual(5)
    expect(played.asked.every((request) => request.startsWith('00') && request.length === 18)).toBe(true)
  })

  test('is seen or missed, each time it is asked for', async () => {
    await using machine = await FakeHid.create()
    const clock = new ManualClock()
    const played = new PlayedPcprox()
    await machine.plug(played.model())
    const reader = await openAt(clock, machine)
    const { all } = listen(reader)
    await pass(clock, 10)
    const before = all.length
    played.visitors.push('0A04A4AB', '', '04A224F1', '04A224F1')
    await pass(clock, 1_600)
    expect(all.slice(before, before + 5)).toEqual(['0A04A4AB', 'missed', '04A224F1', '04A224F1', 'missed'])
    await reader[Symbol.asyncDispose]()
  })

  test('becomes a tap by its profile; the same card is another when it was away', async () => {
    await using machine = await FakeHid.create()
    const played = new PlayedPcprox()
    await machine.plug(played.model())
    const driver = pcproxOn(machine.bus)
    const query = { pollMs: '20', byteOrder: 'reversed', presenceGapMs: '200', cooldownMs: '0' }
    const options = driver.options.parse({ path, ...query })
    await using reader = superviseAlone({ id: `pcprox:${path}`, driver, options })
    for (const count of [1, 2]) {
      played.card = '805B9AD2381F04'
      await expect.poll(() => reader.taps.length, { timeout: 5_000 }).toBe(count)
      await delay(200)
      played.card = undefined
      await delay(500)
    }
    expect(reader.taps).toMatchObject([{ uid: '041F38D29A5B80', identity: 'stable', proof: 'none' }, {}])
  })

  test('is not what the reader types meanwhile', async () => {
    await using machine = await FakeHid.create()
    const played = new PlayedPcprox()
    const plugged = await machine.plug(played.model())
    await using reader = await openOn(machine)
    const { texts } = listen(reader)
    plugged.send(...typed('12345678\n'))
    played.visitors.push('0A04A4AB')
    await expect.poll(texts).toEqual(['0A04A4AB'])
  })
})

describe('an answer', () => {
  test.each([
    [0x8f, '00112233'],
    [0x8e, '00'],
    [0x8e, '004100000000000000'],
  ])('to %i that is %s is rejected, and the next card is read', async (code, answer) => {
    await using machine = await FakeHid.create()
    const played = new PlayedPcprox()
    await machine.plug(played.model())
    await using reader = await openOn(machine)
    const { texts } = listen(reader)
    played.distorted.set(code, hexBytes(answer))
    played.visitors.push('0A04A4AB')
    await expect.poll(texts).toContain('!answer-malformed')
    played.distorted.clear()
    played.visitors.push('0A04A4AB')
    await expect.poll(() => texts().at(-1)).toBe('0A04A4AB')
  })

  test('that fails now and then is no fault; three in a row make the reader deaf', async () => {
    await using machine = await FakeHid.create()
    const clock = new ManualClock()
    const played = new PlayedPcprox()
    const plugged = await machine.plug(played.model())
    const reader = await openAt(clock, machine)
    const { texts, ended } = listen(reader)
    const answered = (): number => played.asked.length
    for (let turn = 0; turn < 5; turn += 1) {
      played.refusing = 2
      const before = answered()
      while (answered() < before + 2) await pass(clock, 50)
    }
    played.visitors.push('0A04A4AB')
    while (!texts().includes('0A04A4AB')) await pass(clock, 50)
    expect(texts()).toEqual(['0A04A4AB'])
    played.refusing = 3
    while (played.refusing > 0) await pass(clock, 50)
    await pass(clock, 50)
    expect(await ended).toMatchObject({ code: 'reader-deaf' })
    await expect.poll(() => plugged.openings).toBe(0)
    await reader[Symbol.asyncDispose]()
  })
})

describe('opening', () => {
  test('a reader that does not say what it is, or answers otherwise', async () => {
    await using machine = await FakeHid.create()
    const played = new PlayedPcprox()
    const plugged = await machine.plug(played.model())
    played.refusing = 1
    await expect(openOn(machine)).rejects.toMatchObject({ code: 'reader-deaf' })
    played.distorted.set(0x8a, hexBytes('0102'))
    await expect(openOn(machine)).rejects.toMatchObject({ code: 'reader-protocol' })
    expect(plugged.openings).toBe(0)
    played.distorted.clear()
    await (await openOn(machine))[Symbol.asyncDispose]()
  })

  test('never asks a device without feature reports: it may be a person’s keyboard', async () => {
    await using machine = await FakeHid.create()
    let asked = 0
    await machine.plug({
      id: device,
      answer: () => {
        asked += 1
        return new Uint8Array(9)
      },
    })
    await expect(openOn(machine)).rejects.toMatchObject({ code: 'reader-protocol' })
    expect(asked).toBe(0)
  })

  test('shows a technician what is asked and answered', async () => {
    await using machine = await FakeHid.create()
    const played = new PlayedPcprox()
    await machine.plug(played.model())
    const seen: string[] = []
    const trace = (bytes: Uint8Array, direction: 'in' | 'out') =>
      void seen.push(`${direction} ${toHex(bytes)}`)
    await using reader = await openOn(machine, {}, { trace })
    expect(reader.capabilities.removal).toBe('polled')
    expect(seen.slice(0, 2)).toEqual(['out 008A00000000000000', 'in 000000030700341200'])
  })

  test('tells of keys that reach the system: it types too unless it was told not to', async () => {
    await using machine = await FakeHid.create()
    const played = new PlayedPcprox()
    await machine.plug({ ...played.model(), inhibited: '0' })
    await using reader = await openOn(machine)
    const { texts } = listen(reader)
    await expect.poll(texts, { timeout: 5_000 }).toEqual(['fault reader-leaking'])
  })
})

test('a session nobody reads fails instead of growing', async () => {
  await using machine = await FakeHid.create()
  const clock = new ManualClock()
  const played = new PlayedPcprox()
  await machine.plug(played.model())
  const reader = await openAt(clock, machine, { pollMs: '20' })
  played.card = '0A04A4AB'
  await pass(clock, 8_000)
  const { all, ended } = listen(reader)
  expect(await ended).toMatchObject({ code: 'reader-failed' })
  expect(all).toHaveLength(256)
  await reader[Symbol.asyncDispose]()
})

test('only readers of their maker are listed, and none is asked', async () => {
  await using machine = await FakeHid.create()
  const played = new PlayedPcprox()
  await machine.plug(played.model(), 0)
  await machine.plug({ id: device, port: 'usb-0000:00:14.0-3' }, 1)
  await machine.plug({ id: '046D:C31C', port: 'usb-0000:00:14.0-4', descriptor: keyboardWithFeature }, 2)
  const found = await pcproxOn(machine.bus).discover(new AbortController().signal)
  expect(found.map(({ spec }) => spec)).toEqual(['pcprox:0c27:3bfa@usb-0000:00:14.0-2'])
  expect(played.asked).toEqual([])
  expect((await readReaderSpec(found[0]?.spec ?? '')).id).toBe(found[0]?.spec)
})

test('its options are those of every reader that is asked', () => {
  expect(pcprox.options.parse({ path, presenceGapMs: '700', uidBytes: '7' })).toMatchObject({
    address: { vendorId: '0c27', productId: '3bfa' },
    presenceGapMs: 700,
    cooldownMs: 1_500,
    pollMs: 250,
    profile: { format: 'hex', uidBytes: 7 },
  })
})
