import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { openSerial } from './serial.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vlt-serial-'))
  await writeFile(join(folder, 'file'), '')
  await symlink(join(folder, 'gone'), join(folder, 'dangling'))
})
afterAll(() => rm(folder, { recursive: true }))

test.each([
  ['missing', 'reader-not-found'],
  ['dangling', 'reader-not-found'],
  ['file/below', 'reader-not-found'],
  ['file', 'reader-not-found'],
  ['.', 'reader-not-found'],
  ['/dev/null', 'reader-failed'],
])('opening %s is %s, naming the path', async (name, code) => {
  const path = name.startsWith('/') ? name : join(folder, name)
  const line = { path, baudRate: 9_600, dataBits: 8, stopBits: 1, parity: 'none' } as const
  const receiver = { bytes: () => undefined, failed: () => undefined }
  const opening = openSerial(line, [], receiver, systemClock, new AbortController().signal)
  await expect(opening).rejects.toMatchObject({ code, message: expect.stringContaining(path) as unknown })
})
