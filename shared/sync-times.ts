import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** How long the disk of a folder takes to make a page of 4 KiB durable, `count` times, in milliseconds. Throws as fs does. */
export function timeSyncs(folder: string, count: number): number[] {
  const path = join(folder, '.doctor')
  const file = openSync(path, 'w', 0o600)
  try {
    return Array.from({ length: count }, () => {
      const start = performance.now()
      writeSync(file, Buffer.alloc(4_096))
      fsyncSync(file)
      return performance.now() - start
    })
  } finally {
    closeSync(file)
    rmSync(path)
  }
}
