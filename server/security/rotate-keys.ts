import { AppError } from '../../shared/errors.ts'
import type { Audit } from '../audit/audit.ts'
import type { Database } from '../database/database.ts'
import { lock } from '../database/locks.ts'
import { type Keyring, type NamedKey, newKey, readKeyring, replaceKeyring } from './keyring.ts'
import { keyringLock, proofsOf } from './open-keyring.ts'
import { keepProofs } from './store.ts'
import { believedKeys } from './tokens.ts'

/** Those that can be replaced; of the others, hashes in the database could not be made anew. */
export const rotated = ['tokens', 'data'] as const
export type Rotated = (typeof rotated)[number]

/**
 * Puts a new key in front of those of a kind and answers its id. Token keys that are believed no more go; data keys
 * all stay, because each has sealed something. Running servers go on with the keys they have read.
 *
 * Throws `keys-missing` or `keys-unusable`.
 */
export async function rotateKeys(
  { database, audit, keysFile }: { database: Database; audit: Audit; keysFile: string },
  kind: Rotated,
): Promise<string> {
  const added = newKey(kind.charAt(0))
  // The file is written inside the transaction, because the lock ends with it; a second try finds the key there.
  await database.transact(async (tx) => {
    await lock(tx, [keyringLock])
    const keyring = readKeyring(keysFile)
    if (keyring === undefined) throw new AppError('keys-missing', `${keysFile} is not there`)
    const turned: Keyring = { ...keyring, [kind]: withNewest(keyring, kind, added) }
    replaceKeyring(keysFile, turned)
    await keepProofs(tx, proofsOf(turned))
    await audit.record(tx, {
      action: 'keys-rotated',
      actor: 'operator',
      subject: `keys ${kind}`,
      details: { newest: added.id },
    })
  })
  return added.id
}

function withNewest(keyring: Keyring, kind: Rotated, added: NamedKey): NamedKey[] {
  const others = keyring[kind].filter(({ id }) => id !== added.id)
  return kind === 'tokens' ? [added, ...others].slice(0, believedKeys) : [added, ...others]
}
