import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Worlds are small, but a container may have next to nothing there. */
const enoughBytes = 512 * 1024 * 1024

/** A folder in memory where there is one: a flush then costs nothing. */
export function openPlayground(): Disposable & { path: string } {
  const path = mkdtempSync(join(isRoomy('/dev/shm') ? '/dev/shm' : tmpdir(), 'vlt-simulation-'))
  return {
    path,
    [Symbol.dispose]: () => {
      rmSync(path, { recursive: true, force: true })
    },
  }
}

function isRoomy(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize > enoughBytes
  } catch {
    return false
  }
}
