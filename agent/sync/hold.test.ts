import { beforeEach, expect, test } from 'vitest'
import type { Clock } from '../../shared/clock.ts'
import { Hold } from './hold.ts'

let now = 0
const clock: Clock = { now: () => '', monoMs: () => now, sleep: () => Promise.resolve() }
beforeEach(() => {
  now = 1_000
})

test('nobody shortens what the server asked for, whatever we wait of our own', () => {
  const hold = new Hold(clock)
  hold.ask(10_000)
  hold.backOff(60_000)
  hold.hurry(now)
  hold.lift()
  hold.ask(5_000)
  expect(hold.leftMs).toBe(10_000)
  now += 10_000
  expect(hold.leftMs).toBe(0)
})

test('a back-off is shortened for whoever waits, and lifted for who wants it tried now', () => {
  const hold = new Hold(clock)
  hold.backOff(60_000)
  hold.hurry(now + 1_000)
  expect(hold.leftMs).toBe(1_000)
  hold.hurry(now + 5_000)
  expect(hold.leftMs).toBe(1_000)
  hold.lift()
  expect(hold.leftMs).toBe(0)
})

test('a pause is for a person to mend: who waits does not shorten it', () => {
  const hold = new Hold(clock)
  hold.pause(60_000)
  hold.hurry(now)
  expect(hold.leftMs).toBe(60_000)
  hold.lift()
  expect(hold.leftMs).toBe(0)
})
