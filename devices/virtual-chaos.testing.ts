/** What goes wrong with readers in a lobby and lasts hours, played against a reader whose time a test moves. */
import assert from 'node:assert/strict'
import { hourOfNoise, superviseSpec, type Card, type ChaosCase } from './chaos.testing.ts'
import type { ManualClock } from './manual-clock.testing.ts'
import type { ReaderSpec } from './spec.ts'

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

async function superviseVirtual(bench: VirtualBench) {
  const reader = superviseSpec(bench.spec, bench.clock)
  await bench.pass(1_000)
  assert.equal(reader.status().state, 'ready')
  return reader
}
