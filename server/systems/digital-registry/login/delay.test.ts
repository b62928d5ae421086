import { expect, test } from 'vitest'
import { afterFailure, waitMs } from './delay.ts'

const start = '2026-03-01T12:00:00.000Z'
const hourMs = 60 * 60_000
const later = (ms: number): string => new Date(Date.parse(start) + ms).toISOString()

/** Waits after each of so many failures in a row, each made as soon as it may be. */
function waits(failures: number): number[] {
  let at = start
  let known: ReturnType<typeof afterFailure> | undefined
  return Array.from({ length: failures }, () => {
    known = afterFailure(known, at)
    const wait = waitMs(known, at)
    at = new Date(Date.parse(at) + wait).toISOString()
    return wait / 1000
  })
}

test('two failures are free, then the wait doubles from a second to a quarter of an hour', () => {
  expect(waits(15)).toEqual([0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900])
})

test('nobody waits who never failed, or whose wait is over', () => {
  expect(waitMs(undefined, start)).toBe(0)
  const known = { failures: 3, next_try_at: later(1_000), forget_at: later(hourMs) }
  expect([0, 999, 1_000, 5_000].map((ms) => waitMs(known, later(ms)))).toEqual([1_000, 1, 0, 0])
})

test('a clock that was set back locks nobody out', () => {
  const known = { failures: 20, next_try_at: later(900_000), forget_at: later(24 * hourMs) }
  expect(waitMs(known, start)).toBe(900_000)
  expect(waitMs(known, later(-1))).toBe(0)
})

test('failures are forgotten a day after the last one', () => {
  const known = { failures: 9, next_try_at: start, forget_at: later(24 * hourMs) }
  expect(afterFailure(known, later(24 * hourMs - 1)).failures).toBe(10)
  expect(afterFailure(known, later(24 * hourMs))).toEqual({
    failures: 1,
    next_try_at: later(24 * hourMs),
    forget_at: later(48 * hourMs),
  })
})
