import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { watchForDevice } from './device-watch.ts'

let folder: string
let calls: number
const count = (): void => void (calls += 1)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-watch-'))
  calls = 0
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

test('a device that appears, gets its owner and mode, and leaves is told each time', async () => {
  const path = join(folder, 'ttyUSB0')
  using _watch = watchForDevice(path, count)
  for (const step of [
    () => {
      symlinkSync('/dev/null', path)
    },
    () => {
      rmSync(path)
    },
    () => {
      writeFileSync(path, '')
    },
    () => {
      chmodSync(path, 0o660)
    },
  ]) {
    const before = calls
    step()
    await expect.poll(() => calls, { timeout: 5_000 }).toBeGreaterThan(before)
  }
})

test('what happens to other devices is not told', async () => {
  using _watch = watchForDevice(join(folder, 'ttyUSB0'), count)
  let others = 0
  using _other = watchForDevice(join(folder, 'ttyUSB1'), () => void (others += 1))
  writeFileSync(join(folder, 'ttyUSB1'), '')
  await expect.poll(() => others, { timeout: 5_000 }).toBeGreaterThan(0)
  expect(calls).toBe(0)
})

test('where folders are missing, the first of them is waited for', async () => {
  using _watch = watchForDevice(join(folder, 'serial/by-id/reader'), count)
  mkdirSync(join(folder, 'serial'))
  await expect.poll(() => calls, { timeout: 5_000 }).toBeGreaterThan(0)
})

test('nothing is told after disposing, nor of paths that are no files', async () => {
  const path = join(folder, 'ttyUSB0')
  const watch = watchForDevice(path, count)
  watch[Symbol.dispose]()
  using _relative = watchForDevice('ttyUSB0', count)
  let seen = 0
  using _later = watchForDevice(path, () => void (seen += 1))
  writeFileSync(path, '')
  await expect.poll(() => seen, { timeout: 5_000 }).toBeGreaterThan(0)
  expect(calls).toBe(0)
})
