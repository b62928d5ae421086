import { expect, test } from 'vitest'
import type { Clock } from '../../shared/clock.ts'
import { Drain } from './drain.ts'

function handClock(): Clock & { advance(ms: number): void } {
  let now = 0
  return {
    now: () => '2026-01-01T00:00:00.000Z',
    monoMs: () => now,
    sleep: () => Promise.resolve(),
    advance: (ms) => {
      now += ms
    },
  }
}

/** The longest that full jitter can be. */
const latest = (): number => 1

test('batches grow 1, 2, 4 … 200 while they are taken quickly', () => {
  const drain = new Drain(handClock(), latest)
  const sizes = Array.from({ length: 10 }, () => {
    const { size } = drain
    drain.taken(10)
    return size
  })
  expect(sizes).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 200, 200])
})

test('what takes long makes them smaller and rarer, and what takes a while keeps them as they are', () => {
  const clock = handClock()
  const drain = new Drain(clock, latest)
  for (let n = 0; n < 6; n++) drain.taken(10)
  drain.taken(900)
  expect(drain.size).toBe(64)
  drain.taken(1_001)
  expect(drain.size).toBe(32)
  expect(drain.heldUntilMonoMs - clock.monoMs()).toBe(1_001)
  for (let n = 0; n < 9; n++) drain.taken(5_000)
  expect(drain.size).toBe(10)
})

test('a refusal halves them, and holds the backlog for the time asked for and a random one that grows', () => {
  const clock = handClock()
  const drain = new Drain(clock, latest)
  for (let n = 0; n < 8; n++) drain.taken(10)
  const held: number[] = []
  for (let n = 0; n < 4; n++) {
    drain.refused(5_000)
    held.push(drain.heldUntilMonoMs - clock.monoMs())
  }
  expect(drain.size).toBe(12)
  expect(held).toEqual([11_000, 12_000, 14_000, 18_000])
  expect(drain.isHeld).toBe(true)
  drain.taken(2_000)
  expect(drain.heldUntilMonoMs - clock.monoMs()).toBe(18_000)
  clock.advance(18_000)
  expect(drain.isHeld).toBe(false)
  drain.taken(10)
  drain.refused(5_000)
  expect(drain.heldUntilMonoMs - clock.monoMs()).toBe(11_000)
})

test('the fifth failure in a row opens the breaker: one is tried, then batches grow anew', () => {
  const drain = new Drain(handClock(), latest)
  for (let n = 0; n < 8; n++) drain.taken(10)
  const waits = Array.from({ length: 4 }, () => drain.failed())
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000])
  expect(drain.size).toBe(12)
  drain.failed()
  expect(drain.size).toBe(1)
  for (let n = 0; n < 20; n++) expect(drain.failed()).toBeLessThanOrEqual(300_000)
  drain.taken(10)
  expect(drain.size).toBe(2)
  expect(drain.failed()).toBe(1_000)
})

test('back-offs are spread over their whole length', () => {
  let n = 0
  const drain = new Drain(handClock(), () => (n++ % 10) / 10)
  expect(Array.from({ length: 3 }, () => drain.failed())).toEqual([0, 200, 800])
})
