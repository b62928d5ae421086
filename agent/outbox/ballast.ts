import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'

export const ballastBytes = 8 * 1024 * 1024
/** The disk must have this much more than the ballast before it is laid (again). */
const spareBytes = 8 * 1024 * 1024

/**
 * A file that only takes room. On a full disk it is given up so that answers of the server can still be noted down; new
 * taps get nothing of it.
 */
export class Ballast {
  readonly path: string

  constructor(outboxPath: string) {
    this.path = `${outboxPath}-ballast`
  }

  get isLaid(): boolean {
    return statSync(this.path, { throwIfNoEntry: false })?.size === ballastBytes
  }

  /** Answers whether there was any. */
  release(): boolean {
    const was = statSync(this.path, { throwIfNoEntry: false }) !== undefined
    rmSync(this.path, { force: true })
    return was
  }

  /** Lays it where it is missing and the disk has room; a disk that turns out full goes without. */
  lay(): void {
    if (this.isLaid) return
    try {
      const { bavail, bsize } = statfsSync(dirname(this.path))
      if (bavail * bsize < ballastBytes + spareBytes) return
      const file = openSync(this.path, 'w', 0o600)
      try {
        // Random, because a file system that compresses would keep nothing free for zeros.
        for (let written = 0; written < ballastBytes;) {
          written += writeSync(file, randomBytes(Math.min(1024 * 1024, ballastBytes - written)))
        }
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
    } catch {
      this.release()
    }
  }
}
