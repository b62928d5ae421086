import { createHmac } from 'node:crypto'
import { AppError } from '../../shared/errors.ts'
import type { Database } from '../database/database.ts'
import { lock } from '../database/locks.ts'
import { createKeyring, type Keyring, readKeyring } from './keyring.ts'
import { findProofs, keepProofs } from './store.ts'

/** Of the transactions that look at keys file and proofs together: while one does, neither changes. */
export const keyringLock = 'keyring'

/**
 * The keyring of this database, at `path`; creates it for a database that has never seen one.
 *
 * Throws `keys-missing`, `keys-mismatch` or `keys-unusable`: data sealed under other keys could not be read, and
 * people indexed under another key would not be found again.
 */
export async function openKeyring(database: Database, path: string): Promise<Keyring> {
  return database.transact(async (tx) => {
    await lock(tx, [keyringLock])
    const known = await findProofs(tx)
    const keyring = readKeyring(path) ?? (known.size === 0 ? createKeyring(path) : undefined)
    if (keyring === undefined) throw new AppError('keys-missing', `${path} is not there`)
    refuseOtherKeyring(path, keyring, known)
    await keepProofs(tx, proofsOf(keyring))
    return keyring
  })
}

/** Throws `keys-mismatch` for a keyring that is not the one the database has proofs of. */
export function refuseOtherKeyring(path: string, keyring: Keyring, known: Map<string, string>): void {
  const proofs = proofsOf(keyring)
  for (const [name, proof] of known) {
    const found = proofs.get(name)
    if (found === undefined) throw new AppError('keys-mismatch', `${path} lacks the ${name} key`)
    if (found !== proof) throw new AppError('keys-mismatch', `${path} has another ${name} key`)
  }
}

export function proofsOf(keyring: Keyring): Map<string, string> {
  const keys: [string, Buffer][] = [
    ['index', keyring.index],
    ['pepper', keyring.pepper],
    ...keyring.data.map(({ id, key }): [string, Buffer] => [`data ${id}`, key]),
  ]
  return new Map(
    keys.map(([name, key]) => [name, createHmac('sha256', key).update('vlt-kiosk').digest('hex')]),
  )
}
