import { expect, test } from 'vitest'
import { Settling } from './settling.ts'

const ends = [0x0d, 0x0a]
const take = (settling: Settling, text: string, nowMs: number): string =>
  Buffer.from(settling.filter(Buffer.from(text), nowMs)).toString()

test('a quiet line is settled after 100 ms', () => {
  const settling = new Settling(ends)
  expect(settling.isSettled(99)).toBe(false)
  expect(settling.isSettled(100)).toBe(true)
  expect(take(settling, 'A0C2BBCA\r', 101)).toBe('A0C2BBCA\r')
})

test('what comes within 100 ms is the tail of an old frame', () => {
  const settling = new Settling(ends)
  expect(take(settling, 'BBCA\r', 20)).toBe('')
  expect(settling.isSettled(100)).toBe(true)
  expect(take(settling, 'DEADBEEF\r', 100)).toBe('DEADBEEF\r')
})

test('a frame under way at 100 ms is thrown away to its end, and the next one is whole', () => {
  const settling = new Settling(ends)
  expect(take(settling, 'A0C2', 95)).toBe('')
  expect(settling.isSettled(105)).toBe(false)
  expect(take(settling, 'BB', 110)).toBe('')
  expect(take(settling, 'CA\rDEADBEEF\r', 150)).toBe('DEADBEEF\r')
  expect(settling.isSettled(150)).toBe(true)
})

test('a frame under way that stops for 50 ms is over', () => {
  const settling = new Settling(ends)
  expect(take(settling, 'A0C2', 95)).toBe('')
  expect(settling.isSettled(144)).toBe(false)
  expect(settling.isSettled(145)).toBe(true)
})

test('a line that never pauses is never settled', () => {
  const settling = new Settling(ends)
  for (let nowMs = 0; nowMs < 10_000; nowMs += 40) expect(take(settling, 'A0', nowMs)).toBe('')
  expect(settling.isSettled(10_000)).toBe(false)
})
