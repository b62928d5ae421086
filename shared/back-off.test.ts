import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fullJitterMs, jitteredMs } from './back-off.ts'

const backOff = { baseMs: 1_000, capMs: 60_000 }
const failures = fc.integer({ min: 1, max: 1_000_000 })
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('the ceiling doubles with each failure up to the cap', () => {
  const ceilings = [1, 2, 3, 6, 7, 8, 1_000_000].map((count) => fullJitterMs(backOff, count, () => 1))
  expect(ceilings).toEqual([1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000])
})

test('full jitter spreads over everything below the ceiling', () => {
  expect(fullJitterMs(backOff, 3, () => 0)).toBe(0)
  expect(fullJitterMs(backOff, 3, () => 0.5)).toBe(2_000)
})

test('a spread keeps within its share of the ceiling', () => {
  expect([0, 0.5, 1].map((at) => jitteredMs(backOff, 2, 0.25, () => at))).toEqual([1_500, 2_000, 2_500])
  expect(jitteredMs(backOff, 2, 0, () => 0.9)).toBe(2_000)
})

test('years of failures stay a finite wait within the cap', () => {
  fc.assert(
    fc.property(failures, random, (count, at) => {
      const wait = fullJitterMs(backOff, count, () => at)
      expect(wait).toBeGreaterThanOrEqual(0)
      expect(wait).toBeLessThanOrEqual(backOff.capMs)
    }),
  )
})
