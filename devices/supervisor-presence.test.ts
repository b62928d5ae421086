import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { AppError } from '../shared/errors.ts'
import { EventQueue } from './event-queue.ts'
import { ManualClock } from './manual-clock.testing.ts'
import type { ReaderCapabilities, ReaderDriver, ReaderEvent } from './reader.ts'
import { readerContext } from './session.testing.ts'
import { superviseReader } from './supervisor.ts'

/** A supervised reader that says what the test says; presence ends after 600 ms, and there is no cooldown. */
async function start(removal: ReaderCapabilities['removal']) {
  const clock = new ManualClock()
  let queue = new EventQueue<ReaderEvent>(256)
  const profile = { format: 'hex', byteOrder: 'as-sent' } as const
  const options = { path: 'x', profile, presenceGapMs: 600, cooldownMs: 0 }
  const driver: ReaderDriver = {
    name: 'scripted',
    summary: '',
    options: z.any().transform(() => options),
    optionHelp: [],
    discover: () => Promise.resolve([]),
    open: () => {
      const session = (queue = new EventQueue<ReaderEvent>(256))
      return Promise.resolve({
        capabilities: { removal },
        events: () => session.read(),
        [Symbol.asyncDispose]: () => {
          session.end()
          return Promise.resolve()
        },
      })
    },
  }
  const tappedAtMs: number[] = []
  const stop = new AbortController()
  const supervisor = superviseReader({
    ...readerContext({ clock }),
    spec: { id: 'scripted:x', driver, options },
    random: () => 0.5,
    onTap: ({ tappedAtMonoMs }) => {
      tappedAtMs.push(tappedAtMonoMs)
    },
  })
  const running = supervisor.run(stop.signal)
  await clock.pass(0)
  return {
    clock,
    tappedAtMs,
    async card() {
      const receivedAtMonoMs = clock.monoMs()
      queue.push({ type: 'frame', payload: 'A0C2BBCA', form: 'text', proof: 'none', receivedAtMonoMs })
      await clock.pass(0)
    },
    async none() {
      queue.push({ type: 'missed', receivedAtMonoMs: clock.monoMs() })
      await clock.pass(0)
    },
    async unplug() {
      queue.fail(new AppError('reader-unplugged', 'pulled out'))
      await clock.pass(0)
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}

describe.each(['inferred', 'native'] as const)('a reader that speaks by itself (%s)', (removal) => {
  test('makes a card that was silent for the gap a new tap, and not one that was silent for less', async () => {
    await using reader = await start(removal)
    await reader.card()
    await reader.clock.pass(590)
    await reader.card()
    await reader.clock.pass(600)
    await reader.card()
    expect(reader.tappedAtMs).toEqual([0, 1_190])
  })

  test('does so whenever in the silence of another card it came', async () => {
    for (let phaseMs = 0; phaseMs < 200; phaseMs += 20) {
      await using reader = await start(removal)
      await reader.card()
      await reader.clock.pass(phaseMs)
      await reader.card()
      await reader.clock.pass(600)
      await reader.card()
      expect(reader.tappedAtMs).toEqual([0, phaseMs + 600])
    }
  })

  test('has not been silent while this process stood still', async () => {
    await using reader = await start(removal)
    await reader.card()
    await reader.clock.pass(100)
    reader.clock.stall(60_000)
    await reader.clock.pass(0)
    await reader.card()
    expect(reader.tappedAtMs).toEqual([0])
    await reader.clock.pass(600)
    await reader.card()
    expect(reader.tappedAtMs).toEqual([0, 60_700])
  })

  test('is listened to only while a card lies there', async () => {
    await using reader = await start(removal)
    await reader.card()
    await reader.clock.pass(10_000)
    let sleeps = 0
    const sleep = reader.clock.sleep.bind(reader.clock)
    reader.clock.sleep = (ms, signal) => {
      sleeps += 1
      return sleep(ms, signal)
    }
    await reader.clock.pass(60_000)
    expect(sleeps).toBe(0)
  })
})

describe('a reader that is polled', () => {
  test('makes a card a new tap when it was missed three times and for the gap', async () => {
    await using reader = await start('polled')
    await reader.card()
    for (let poll = 0; poll < 3; poll += 1) {
      await reader.clock.pass(200)
      await reader.none()
    }
    await reader.card()
    expect(reader.tappedAtMs).toEqual([0, 600])
  })

  test('flickers without a tap: it misses every other time, or twice, and is slow', async () => {
    await using reader = await start('polled')
    await reader.card()
    for (let turn = 0; turn < 50; turn += 1) {
      for (let misses = 0; misses <= turn % 2; misses += 1) {
        await reader.clock.pass(400)
        await reader.none()
      }
      await reader.clock.pass(400)
      await reader.card()
    }
    expect(reader.tappedAtMs).toEqual([0])
  })

  test('flickers without a tap: it misses many times at once', async () => {
    await using reader = await start('polled')
    await reader.card()
    for (let poll = 0; poll < 20; poll += 1) {
      await reader.clock.pass(20)
      await reader.none()
    }
    await reader.card()
    expect(reader.tappedAtMs).toEqual([0])
  })

  test('that does not answer for a while has missed nothing', async () => {
    await using reader = await start('polled')
    await reader.card()
    await reader.clock.pass(10_000)
    await reader.card()
    expect(reader.tappedAtMs).toEqual([0])
  })
})

test.each(['inferred', 'native', 'polled'] as const)(
  'an unplug leaves time alone to decide (%s)',
  async (removal) => {
    await using reader = await start(removal)
    await reader.card()
    await reader.unplug()
    await reader.clock.pass(300)
    await reader.card()
    expect(reader.tappedAtMs).toEqual([0])
    await reader.unplug()
    await reader.clock.pass(5_000)
    await reader.card()
    expect(reader.tappedAtMs).toEqual([0, 5_300])
  },
)
