import { expect, test } from 'vitest'
import type { Clock } from '../../shared/clock.ts'
import { Pacing } from './pacing.ts'

let now = 0
const clock: Clock = { now: () => '', monoMs: () => now, sleep: () => Promise.resolve() }
const left = (remaining: number, more: Record<string, string> = {}) => ({
  'x-ratelimit-remaining': String(remaining),
  ...more,
})

test('nothing is held while the server lets through', () => {
  const pacing = new Pacing(clock)
  expect([pacing.observe(left(59)), pacing.observe(left(1)), pacing.observe({})]).toEqual([0, 0, 0])
})

test('with none left it waits for the end of the minute that began with the first answer', () => {
  const pacing = new Pacing(clock)
  now = 1_000
  pacing.observe(left(2))
  now = 11_000
  pacing.observe(left(1))
  now = 21_000
  expect(pacing.observe(left(0))).toBe(40_000)
})

test('more left than before is a new minute', () => {
  const pacing = new Pacing(clock)
  now = 0
  pacing.observe(left(1))
  now = 50_000
  pacing.observe(left(59))
  now = 60_000
  expect(pacing.observe(left(0))).toBe(50_000)
})

test('the end of the window is taken from the server where it names it', () => {
  const date = 'Fri, 20 Nov 2026 10:00:00 GMT'
  const reset = String(Date.parse(date) / 1000 + 7)
  expect(new Pacing(clock).observe(left(0, { date, 'x-ratelimit-reset': reset }))).toBe(7_000)
})
