import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { AppError, nativeCode } from '../../shared/errors.ts'
import { privateJwk } from '../../shared/http-signatures/ed25519.ts'
import { syncFolder, writeWholeFile } from '../../shared/whole-file.ts'

/** Who this machine is to its server: `kiosk.json` in the data folder, for its owner alone. */
const identitySchema = z.object({
  kioskId: z.int().positive(),
  name: z.string(),
  serverUrl: z.string(),
  key: privateJwk,
  /** Sent to the server as the next key; its answer has not been seen yet. */
  nextKey: privateJwk.nullable(),
  /** Block of request numbers that was begun last: a higher one is begun at every start, before it is used. */
  block: z.int().nonnegative(),
  /** The outbox whose count follows. */
  epoch: z.string().nullable(),
  /** At most so many registrations of it were delivered otherwise than in our batches. */
  documented: z.int().nonnegative(),
})

export type Identity = z.output<typeof identitySchema>

export function identityPath(dataFolder: string): string {
  return join(dataFolder, 'kiosk.json')
}

/** Undefined where this machine has not joined. Throws `kiosk-identity-unusable`. */
export function readIdentity(dataFolder: string): Identity | undefined {
  const path = identityPath(dataFolder)
  try {
    return identitySchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    if (nativeCode(cause) === 'ENOENT') return undefined
    throw new AppError('kiosk-identity-unusable', `${path} cannot be read as an identity`, { cause })
  }
}

/** Whole and on the disk when it returns. Throws `disk-full` or `kiosk-identity-unusable`. */
export function writeIdentity(dataFolder: string, identity: Identity): void {
  const path = identityPath(dataFolder)
  try {
    writeWholeFile(path, `${JSON.stringify(identity, null, 2)}\n`)
  } catch (cause) {
    const code = nativeCode(cause) === 'ENOSPC' ? 'disk-full' : 'kiosk-identity-unusable'
    throw new AppError(code, `${path} cannot be written`, { cause })
  }
}

export function removeIdentity(dataFolder: string): void {
  rmSync(identityPath(dataFolder), { force: true })
  syncFolder(dataFolder)
}
