/** What goes wrong with readers in a lobby, played against a supervised reader of any driver on the real clock. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { hourOfNoise, superviseSpec, until, type Card, type ChaosCase } from './chaos.testing.ts'
import { readerContext } from './session.testing.ts'
import type { ReaderSpec } from './spec.ts'

/** One device, plugged in, under a name that stays its own. */
export interface ChaosBench extends AsyncDisposable {
  readonly spec: ReaderSpec
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

export const readerChaos: ChaosCase<ChaosBench>[] = [
  {
    name: 'an unplug in the middle of a frame leaves nothing behind',
    async run({ uids, plug }) {
      await using bench = await plug()
      await using reader = superviseSpec(bench.spec)
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
      await using reader = superviseSpec(bench.spec)
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
      await using leftReader = superviseSpec(left.spec)
      await using rightReader = superviseSpec(right.spec)
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
      assert.equal(tap?.readerId, right.spec.id)
    },
  },
  {
    name: 'an hour of noise at full speed is no card, and the reader reads the next one',
    async run({ uids, plug }) {
      await using bench = await plug()
      await using reader = superviseSpec(bench.spec)
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
      await using reader = superviseSpec(bench.spec)
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
      const { driver, options } = bench.spec
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
