import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ManualClock } from '../../../devices/manual-clock.testing.ts'
import { lockMs, maxTries, OperatorPin, setPin } from './pin.ts'

const right = '314159'
let data: string
let clock: ManualClock
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'pin-'))
  clock = new ManualClock()
})
afterEach(() => {
  rmSync(data, { recursive: true })
})

/** A PIN as a new start of the agent finds it. */
const restarted = (): OperatorPin => new OperatorPin(data, clock)

async function wrongTimes(times: number): Promise<string[]> {
  const kinds: string[] = []
  for (let n = 0; n < times; n++) kinds.push((await restarted().check('000000')).kind)
  return kinds
}

test('without a PIN nobody gets in', async () => {
  expect(await restarted().check('')).toEqual({ kind: 'none' })
})

test('the right PIN opens, a wrong one says how many tries are left', async () => {
  await setPin(data, right)
  const pin = restarted()
  expect(await pin.check('000000')).toEqual({ kind: 'wrong', triesLeft: 4 })
  expect(await pin.check(right)).toEqual({ kind: 'right' })
  expect(await pin.check('000000')).toEqual({ kind: 'wrong', triesLeft: 4 })
})

test('five wrong tries lock for five minutes, whoever restarts the agent in between', async () => {
  await setPin(data, right)
  expect(await wrongTimes(maxTries)).toEqual(['wrong', 'wrong', 'wrong', 'wrong', 'locked'])
  expect(await restarted().check(right)).toEqual({ kind: 'locked', leftMs: lockMs })
  await clock.pass(lockMs - 1)
  expect(await restarted().check(right)).toEqual({ kind: 'locked', leftMs: 1 })
  await clock.pass(1)
  expect(await wrongTimes(1)).toEqual(['wrong'])
  expect(await restarted().check(right)).toEqual({ kind: 'right' })
})

test('as many tries at once as somebody likes are five', async () => {
  await setPin(data, right)
  const pin = restarted()
  const answers = await Promise.all(Array.from({ length: 20 }, () => pin.check('000000')))
  expect(answers.filter(({ kind }) => kind === 'wrong')).toHaveLength(maxTries - 1)
})

test('a clock that is set back locks for five minutes more, not for years', async () => {
  await setPin(data, right)
  await clock.pass(10 * 365 * 24 * 60 * 60_000)
  await wrongTimes(maxTries)
  clock = new ManualClock()
  expect(await restarted().check(right)).toEqual({ kind: 'locked', leftMs: lockMs })
})

test('a new PIN lifts the lock of the old one', async () => {
  await setPin(data, right)
  await wrongTimes(maxTries)
  await setPin(data, '271828')
  expect(await restarted().check('271828')).toEqual({ kind: 'right' })
})

test.each(['12345', '1234567890123', '12345a', ''])('%j is no PIN', async (pin) => {
  await expect(setPin(data, pin)).rejects.toThrow(expect.objectContaining({ code: 'pin-form' }))
  expect(readdirSync(data)).toEqual([])
})

test('the PIN is nowhere on the disk, and its hash is for this user alone', async () => {
  await setPin(data, right)
  await restarted().check(right)
  for (const name of readdirSync(data)) {
    expect(readFileSync(join(data, name), 'utf8')).not.toContain(right)
    expect(statSync(join(data, name)).mode & 0o777).toBe(0o600)
  }
})
