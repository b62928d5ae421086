import { access, constants, mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { nativeCode } from '../../shared/errors.ts'
import type { MailFault } from './smtp-fault.ts'

/** Creates the folder, for its owner alone, and answers why mails could not be written there. */
export async function checkFolder(folder: string): Promise<MailFault | undefined> {
  return attempt(async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await access(folder, constants.W_OK | constants.X_OK)
  })
}

/**
 * Writes a mail under this name, readable by its owner alone: whole and on disk, or not at all. The same mail written
 * again replaces itself.
 */
export async function writeMail(
  folder: string,
  name: string,
  bytes: Uint8Array,
): Promise<MailFault | undefined> {
  return attempt(async () => {
    const draft = join(folder, `.${name}.draft`)
    const file = await open(draft, 'w', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, join(folder, name))
    await syncFolder(folder)
  })
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function attempt(work: () => Promise<void>): Promise<MailFault | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    const native = nativeCode(error)
    if (native === undefined) throw error
    return { code: native === 'ENOSPC' || native === 'EDQUOT' ? 'disk-full' : 'mail-folder-unusable' }
  }
}
