import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

interface WholeFileOptions {
  /** Where it is written first. */
  draft?: string
  /** With the draft's descriptor, before it is flushed. */
  prepare?: (descriptor: number) => void
  /** Brings the draft to its place. */
  settle?: ((draft: string, path: string) => void) | undefined
}

/**
 * Writes a file of this user alone (0600) that is there whole or not at all, also after a power cut; on the disk when
 * this returns. Throws what the system says.
 */
export function writeWholeFile(
  path: string,
  text: string,
  { draft = `${path}.new`, prepare, settle = renameSync }: WholeFileOptions = {},
): void {
  try {
    // An earlier draft may have come from elsewhere, with another mode or as a link.
    rmSync(draft, { force: true })
    const descriptor = openSync(draft, 'wx', 0o600)
    try {
      prepare?.(descriptor)
      writeSync(descriptor, text)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    settle(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
  syncFolder(dirname(path))
}

/** Makes renames in the folder survive a power cut. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
