/**
 * What goes wrong with readers in a lobby, played against a supervised reader of any driver. `readerChaos` takes a
 * device on the bench and the real clock; `virtualChaos` takes one whose time a test moves, for what lasts hours.
 */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../shared/clock.ts'
import { AppError } from '../shared/errors.ts'
import type { ManualClock } from './manual-clock.testing.ts'
import type { Tap } from './reader.ts'
import { readerContext } from './session.testing.ts'
import { readReaderSpec, type ReaderSpec } from './spec.ts'
import { superviseReader } from './supervisor.ts'

/** The two cards of every bench. */
export type Card = 'first' | 'second'

export interface ChaosSubject<Bench> {
  name: string
  /** What each card is when tapped. */
  uids: Record<Card, string>
  plug: () => Promise<Bench>
}

/** One device, plugged in, under a name that stays its own. */
export interface ChaosBench extends AsyncDisposable {
  /** What `--reader` says of it. */
  readonly spec: string
  /** The card lies there just long enough to be read. */
  tap(card: Card): Promise<void>
  /** The first half of a frame, and no more. */
  half(): Promise<void>
  /** What is no frame; resolves when the device has said it all. */
  noise(bytes: Uint8Array): Promise<void>
  unplug(): Promise<void>
  /** It is back under the same name, which now leads to another device file. */
  replug(): Promise<void>
  /** Another program opens the device, and keeps it until disposed. */
  lock(): Promise<AsyncDisposable>
}

/** A device that lives in the time of `clock`. */
export interface VirtualBench {
  readonly clock: ManualClock
  readonly spec: ReaderSpec
  /** Does it go on saying which card lies there? */
  readonly repeats: boolean
  /** Which card lies there from now on. */
  show(card: Card | undefined): void
  /** Time passes, and the reader says of the card that lies there what it says. */
  pass(ms: number): Promise<void>
  /** Nothing of ours runs for so long, but the reader goes on. */
  stall(ms: number): void
  noise(bytes: Uint8Array): void
  /** What the card looks like when the line is set to another baud rate; undefined: it has none. */
  misread?(card: Card, timesTooFast: number): Uint8Array
}

export interface ChaosCase<Bench> {
  name: string
  run: (subject: ChaosSubject<Bench>) => Promise<void>
}

/** What an hour is at 9600 baud: a thousand bytes a second, all noise, the same each time. */
function* hourOfNoise(): Generator<Uint8Array, void, undefined> {
  let state = 0x2545f491
  for (let second = 0; second < 3_600; second += 1) {
    yield Uint8Array.from({ length: 960 }, () => {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      return state & 0xff
    })
  }
}

export const readerChaos: ChaosCase<ChaosBench>[] = [
  {
    name: 'an unplug in the middle of a frame leaves nothing behind',
    async run({ uids, plug }) {
      await using bench = await plug()
      await using reader = await superviseSpec(bench.spec)
      await reader.isReady(1)
      await bench.half()
      await bench.unplug()
      await until('absent', () => reader.status().state === 'absent')
      await bench.replug()
      await reader.isReady(2)
      await bench.tap('first')
      await reader.hasTapped(uids.first)
    },
  },
  {
    name: 'it is found again under another device file behind the same name, as often as it takes',
    async run({ uids, plug }) {
      await using bench = await plug()
      await using reader = await superviseSpec(bench.spec)
      const tapped: string[] = []
      for (const [turn, card] of (['first', 'second', 'first'] as const).entries()) {
        await reader.isReady(turn + 1)
        // Long enough for the first card to be a new tap the second time, whatever its presence and cooldown.
        if (turn === 2) await delay(2_200)
        await bench.tap(card)
        tapped.push(uids[card])
        await reader.hasTapped(...tapped)
        await bench.unplug()
        await bench.replug()
      }
    },
  },
  {
    name: 'two identical readers are two',
    async run({ uids, plug }) {
      await using left = await plug()
      await using right = await plug()
      await using leftReader = await superviseSpec(left.spec)
      await using rightReader = await superviseSpec(right.spec)
      await Promise.all([leftReader.isReady(1), rightReader.isReady(1)])
      await Promise.all([left.tap('first'), right.tap('second')])
      await leftReader.hasTapped(uids.first)
      await rightReader.hasTapped(uids.second)
      await left.unplug()
      await until('absent', () => leftReader.status().state === 'absent')
      await right.tap('first')
      await rightReader.hasTapped(uids.second, uids.first)
      assert.equal(rightReader.status().opens, 1)
      const [tap] = rightReader.taps
      assert.equal(tap?.readerId, right.spec.replace(/\?.*/, ''))
    },
  },
  {
    name: 'an hour of noise at full speed is no card, and the reader reads the next one',
    async run({ uids, plug }) {
      await using bench = await plug()
      await using reader = await superviseSpec(bench.spec)
      await reader.isReady(1)
      await bench.noise(Buffer.concat([...hourOfNoise()]))
      await delay(300)
      await bench.tap('first')
      await reader.hasTapped(uids.first)
      assert.equal(reader.status().opens, 1)
      assert.ok(Object.values(reader.status().rejected).some((count) => count > 1_000))
    },
  },
  {
    name: 'a device that another program has is busy, and is taken when that program ends',
    async run({ uids, plug }) {
      await using bench = await plug()
      const lock = await bench.lock()
      await using reader = await superviseSpec(bench.spec)
      await until('busy', () => reader.status().fault?.code === 'reader-busy')
      await lock[Symbol.asyncDispose]()
      await reader.isReady(1)
      await bench.tap('first')
      await reader.hasTapped(uids.first)
    },
  },
  {
    name: 'a consumer that is slow gets everything, in order',
    async run({ plug }) {
      await using bench = await plug()
      const { driver, options } = await readReaderSpec(bench.spec)
      await using reader = await driver.open(options, readerContext())
      const cards = Array.from({ length: 60 }, (_, index): Card => (index % 2 === 0 ? 'first' : 'second'))
      const sent = (async () => {
        for (const card of cards) await bench.tap(card)
      })()
      const heard: string[] = []
      for await (const event of reader.events()) {
        await delay(5)
        assert.notEqual(event.type, 'rejected')
        // A reader may say more than once that one card lies there.
        if (event.type === 'frame' && event.payload !== heard.at(-1)) heard.push(event.payload)
        if (heard.length === cards.length) break
      }
      await sent
      assert.deepEqual(
        heard,
        cards.map((_, index) => heard[index % 2]),
      )
      assert.notEqual(heard[0], heard[1])
    },
  },
]

export const virtualChaos: ChaosCase<VirtualBench>[] = [
  {
    name: 'a card held for ten minutes is one tap, and another one when it comes back later',
    async run({ uids, plug }) {
      const bench = await plug()
      await using reader = await superviseVirtual(bench)
      bench.show('first')
      await bench.pass(600_000)
      reader.tapped(uids.first)
      if (bench.repeats) {
        // Nobody can tell that of a card that was said once.
        bench.show(undefined)
        await bench.pass(1_000)
        bench.show('first')
        await bench.pass(1_000)
        reader.tapped(uids.first)
      }
      bench.show(undefined)
      await bench.pass(3_000)
      bench.show('first')
      await bench.pass(1_000)
      reader.tapped(uids.first, uids.first)
    },
  },
  {
    name: 'two cards swapped in less than 300 ms are two taps',
    async run({ uids, plug }) {
      for (const awayMs of [0, 50, 150, 250, 299]) {
        const bench = await plug()
        await using reader = await superviseVirtual(bench)
        bench.show('first')
        await bench.pass(1_000)
        bench.show(undefined)
        await bench.pass(awayMs)
        bench.show('second')
        await bench.pass(1_000)
        reader.tapped(uids.first, uids.second)
      }
    },
  },
  {
    name: 'a process that stands still for five seconds does not take the card that lies there for a new one',
    async run({ uids, plug }) {
      const bench = await plug()
      await using reader = await superviseVirtual(bench)
      bench.show('first')
      await bench.pass(2_000)
      for (let stall = 0; stall < 3; stall += 1) {
        bench.stall(5_000)
        await bench.pass(2_000)
      }
      reader.tapped(uids.first)
    },
  },
  {
    name: 'an hour of noise is no card, and hides none',
    async run({ uids, plug }) {
      const bench = await plug()
      await using reader = await superviseVirtual(bench)
      const tapped: string[] = []
      let second = 0
      for (const noise of hourOfNoise()) {
        bench.noise(noise)
        await bench.pass(20)
        second += 1
        if (second % 600 !== 0) continue
        await bench.pass(1_000)
        const card = second % 1_200 === 0 ? 'second' : 'first'
        bench.show(card)
        await bench.pass(1_000)
        bench.show(undefined)
        await bench.pass(3_000)
        tapped.push(uids[card])
      }
      reader.tapped(...tapped)
      assert.equal(reader.status().opens, 1)
    },
  },
  {
    name: 'a wrong baud rate is garbage and no card',
    async run({ plug }) {
      for (const timesTooFast of [1 / 12, 1 / 4, 1 / 2, 2 / 3, 3 / 2, 2, 4, 12]) {
        const bench = await plug()
        if (bench.misread === undefined) return
        await using reader = await superviseVirtual(bench)
        for (let turn = 0; turn < 20; turn += 1) {
          for (const card of ['first', 'second'] as const) {
            bench.noise(bench.misread(card, timesTooFast))
            await bench.pass(100)
          }
        }
        await bench.pass(1_000)
        reader.tapped()
      }
    },
  },
]

async function superviseSpec(text: string) {
  return supervise(await readReaderSpec(text))
}

async function superviseVirtual(bench: VirtualBench) {
  const reader = supervise(bench.spec, bench.clock)
  await bench.pass(1_000)
  assert.equal(reader.status().state, 'ready')
  return reader
}

/** A reader as the agent runs it. */
function supervise(spec: ReaderSpec, clock?: Clock) {
  const taps: Tap[] = []
  const stop = new AbortController()
  const supervisor = superviseReader({
    ...readerContext(clock === undefined ? {} : { clock }),
    spec,
    onTap: (tap) => {
      taps.push(tap)
    },
  })
  const running = supervisor.run(stop.signal)
  const uids = (): string[] => taps.map(({ uid }) => uid)
  return {
    taps,
    status: () => supervisor.status,
    isReady: (opens: number) =>
      until(`ready for the ${String(opens)}. time`, () => {
        const { state, opens: soFar } = supervisor.status
        return state === 'ready' && soFar >= opens
      }),
    /** Exactly these taps so far. */
    tapped(...expected: string[]): void {
      assert.deepEqual(uids(), expected)
    },
    /** Exactly these taps, soon. */
    async hasTapped(...expected: string[]): Promise<void> {
      await until('tapped', () => taps.length >= expected.length)
      assert.deepEqual(uids(), expected)
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new AppError('reader-failed', `not ${what} after ten seconds`)
    await delay(10)
  }
}
