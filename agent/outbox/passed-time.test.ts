import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SteppingClock } from './stepping-clock.testing.ts'
import { PassedTime } from './passed-time.ts'

const hourMs = 60 * 60 * 1000
const tenYearsMs = 10 * 365 * 24 * hourMs

let folder: string
let clock: SteppingClock
let boot: number

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'passed-time-'))
  clock = new SteppingClock()
  boot = 1
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const open = (lastSettledMs: number | null = 0): PassedTime =>
  PassedTime.open(join(folder, 'outbox.db'), clock, Buffer.from([boot]), () => lastSettledMs)
/** What a server says whose clock is `offMs` wrong, in its own words. */
const date = (offMs = 0): string => new Date(clock.trueMs + offMs).toUTCString()

/** Switched off for so long. */
function restart(offMs: number): PassedTime {
  boot += 1
  clock.reboot(offMs)
  return open()
}

test('while the machine runs, time passes by the monotonic clock, whatever the wall says', () => {
  const time = open()
  for (const jump of [tenYearsMs, -tenYearsMs, 0]) {
    clock.wallJumpMs = jump
    time.heard(date())
    clock.stall(hourMs)
    time.heard(date())
  }
  expect(time.nowMs).toBe(3 * hourMs)
})

test('a program that is started again in the same boot has missed nothing', () => {
  const time = open()
  clock.stall(hourMs)
  time.keep()
  clock.stall(hourMs)
  expect(open().nowMs).toBe(2 * hourMs)
})

describe('time for which the machine was off', () => {
  test('does not count before the server has spoken, and then as both clocks have it', () => {
    const before = open()
    before.heard(date())
    clock.stall(hourMs)
    before.keep()
    const time = restart(9 * hourMs)
    clock.stall(hourMs)
    expect(time.nowMs).toBe(2 * hourMs)
    time.heard(date())
    expect(time.nowMs).toBe(11 * hourMs)
  })

  test.each<[string, number, number]>([
    ['the wall clock ten years ahead', tenYearsMs, 0],
    ['the server ten years ahead', 0, tenYearsMs],
  ])('%s adds nothing', (_name, wallJumpMs, serverOffMs) => {
    const before = open()
    before.heard(date())
    before.keep()
    clock.wallJumpMs = wallJumpMs
    const time = restart(9 * hourMs)
    time.heard(date(serverOffMs))
    expect(time.nowMs).toBe(9 * hourMs)
    // Nor does it when that is put right.
    clock.wallJumpMs = 0
    clock.stall(hourMs)
    time.heard(date())
    time.heard(date(tenYearsMs))
    expect(time.nowMs).toBe(10 * hourMs)
  })

  test.each<[string, number, number]>([
    ['the wall clock ten years behind', -tenYearsMs, 0],
    ['the server ten years behind', 0, -tenYearsMs],
  ])('%s leaves it out', (_name, wallJumpMs, serverOffMs) => {
    const before = open()
    before.heard(date())
    clock.stall(hourMs)
    before.keep()
    clock.wallJumpMs = wallJumpMs
    const time = restart(9 * hourMs)
    time.heard(date(serverOffMs))
    expect(time.nowMs).toBe(hourMs)
    clock.stall(hourMs)
    expect(time.nowMs).toBe(2 * hourMs)
  })
})

describe('without its file, or with one that is not as it was written', () => {
  test.each<[string, (path: string) => void]>([
    [
      'missing',
      (path) => {
        rmSync(path)
      },
    ],
    [
      'garbled',
      (path) => {
        writeFileSync(path, 'nonsense')
      },
    ],
    [
      'changed',
      (path) => {
        writeFileSync(path, readFileSync(path, 'utf8').replace('"passedMs":', '"passedMs":9'))
      },
    ],
  ])('%s: time begins at the last settlement', (_how, spoil) => {
    const time = open()
    clock.stall(hourMs)
    time.keep()
    spoil(join(folder, 'outbox.db-time'))
    expect(open(1234).nowMs).toBe(1234)
  })
})

test('an answer without a date changes nothing', () => {
  const time = open()
  time.heard('yesterday')
  clock.stall(hourMs)
  expect(time.nowMs).toBe(hourMs)
})
