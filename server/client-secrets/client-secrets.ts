import { randomBytes } from 'node:crypto'
import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Core } from '../core.ts'
import { lock } from '../database/locks.ts'
import {
  allSecrets,
  findSecret,
  findSecretByIndex,
  insertSecret,
  type KnownSecret,
  setRevoked,
  setUsed,
} from './store.ts'

/** Makes a secret that got into a file or a log recognisable as one. */
export const secretPrefix = 'vltcs_'

const secretBytes = 32
const secretForm = /^vltcs_[\w-]{43}$/
const usedEveryMs = 60 * 60 * 1000

export interface ClientSecrets {
  /** The secret itself comes from here once and never again: a keyed hash of it is kept. */
  add(name: string): Promise<{ id: number; name: string; secret: string }>
  list(): Promise<KnownSecret[]>
  /** Answers false for one that was revoked before. Throws `client-secret-unknown`. */
  revoke(id: number): Promise<boolean>
  /**
   * What a text is worth. Every text that could be one takes the same way: a keyed hash, and one look-up by it, whose time tells nothing
   * of any secret. Read anew each time, so a revocation holds at once on all instances.
   */
  check(secret: string): Promise<Checked>
}

export type Checked = { state: 'valid' | 'revoked'; id: number } | { state: 'unknown' }

export function createClientSecrets(
  { database, vault, audit }: Pick<Core, 'database' | 'vault' | 'audit'>,
  clock: Clock,
): ClientSecrets {
  const indexOf = (secret: string): string => vault.index('client-secrets', secret)
  return {
    async add(name) {
      const secret = secretPrefix + randomBytes(secretBytes).toString('base64url')
      const id = await database.transact(async (tx) => {
        const added = await insertSecret(tx, { name, secretIndex: indexOf(secret) }, clock.now())
        await audit.record(tx, {
          action: 'client-secret-added',
          actor: 'operator',
          subject: `client-secret ${String(added)}`,
        })
        return added
      })
      return { id, name, secret }
    },
    list: () => database.query(allSecrets),
    revoke: (id) =>
      database.transact(async (tx) => {
        await lock(tx, [`client-secret ${String(id)}`])
        const known = await findSecret(tx, id)
        if (known === undefined)
          throw new AppError('client-secret-unknown', `there is no client secret ${String(id)}`)
        if (known.revoked_at !== null) return false
        await setRevoked(tx, id, clock.now())
        await audit.record(tx, {
          action: 'client-secret-revoked',
          actor: 'operator',
          subject: `client-secret ${String(id)}`,
        })
        return true
      }),
    async check(secret) {
      // What cannot be one costs no look-up: strangers are told so before any limit counts them.
      if (!secretForm.test(secret)) return { state: 'unknown' }
      const known = await database.query((db) => findSecretByIndex(db, indexOf(secret)))
      if (known === undefined) return { state: 'unknown' }
      if (known.revoked_at !== null) return { state: 'revoked', id: known.id }
      const now = clock.now()
      const usedLongAgo =
        known.last_used_at === null || Date.parse(now) - Date.parse(known.last_used_at) >= usedEveryMs
      // A database that takes no writes for a while still lets readers in; the health probe tells of it.
      if (usedLongAgo) await database.transact((tx) => setUsed(tx, known.id, now)).catch(() => undefined)
      return { state: 'valid', id: known.id }
    },
  }
}
