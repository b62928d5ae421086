import type { Clock } from '../../../../shared/clock.ts'
import type { Core } from '../../../core.ts'
import { lock } from '../../../database/locks.ts'
import type { Tx } from '../../../database/schema.ts'
import { together } from '../../../database/together.ts'
import { usernameIndex } from '../accounts/accounts.ts'
import { findApiUser, renewPasswordHash } from '../accounts/store.ts'
import { afterFailure, waitMs } from './delay.ts'
import { clearFailures, findFailures, forgetFailures, keepFailures } from './store.ts'

export interface Credentials {
  username: string
  password: string
  /** Network of the client: failures count per network and username. */
  network: string
}

export type LoginOutcome =
  | { kind: 'accepted'; userId: number }
  | { kind: 'unknown-user' | 'wrong-password' | 'no-api-access' | 'user-blocked' | 'entity-suspended' }
  | { kind: 'throttled'; waitMs: number }

/** Answers who an API user is, or why not. Throws `passwords-busy`. */
export type Login = (credentials: Credentials) => Promise<LoginOutcome>

interface Checked {
  matches: boolean
  /** The password hashed anew, where the stored hash is of an older cost. */
  renewed: string | undefined
}

type Parts = Pick<Core, 'database' | 'vault' | 'passwords' | 'audit'>

/**
 * Checks credentials. Unknown names cost the same time as wrong passwords.
 *
 * Failures slow down: what a check found is told only if nobody has to wait for this network and name at that
 * moment, in the same transaction that counts the failure. So guessing in parallel, over any number of instances,
 * learns no more than guessing in turn; and the right password is accepted as soon as the wait is over.
 */
export function createLogin({ database, vault, passwords, audit }: Parts, clock: Clock): Login {
  const running = new Map<string, Promise<Checked>>()

  const verify = async (password: string, hash: string | undefined): Promise<Checked> => {
    const { matches, outdated } = await passwords.verify(password, hash)
    return { matches, renewed: matches && outdated ? await passwords.hash(password) : undefined }
  }

  /** Requests that arrive together with the same credentials share one check: a burst costs one hash. */
  const check = (username: string, password: string, hash: string | undefined): Promise<Checked> => {
    const same = JSON.stringify([username, password, hash])
    const known = running.get(same)
    if (known !== undefined) return known
    const started = verify(password, hash).finally(() => running.delete(same))
    running.set(same, started)
    return started
  }

  return async ({ username, password, network }) => {
    const index = usernameIndex(vault, username)
    const key = vault.index('api_user_failures', `${network} ${username}`)
    const [user, before] = await database.query((db) =>
      Promise.all([findApiUser(db, index), findFailures(db, key)]),
    )
    const subject = user === undefined ? 'api-user unknown' : `api-user ${String(user.id)}`
    const wait = waitMs(before, clock.now())
    if (wait > 0) {
      audit.tally({ action: 'api-user-throttled', actor: 'anonymous', subject })
      return { kind: 'throttled', waitMs: wait }
    }
    const { matches, renewed } = await check(username, password, user?.password_hash)
    const outcome = await database.transact(async (tx) => {
      const told = await settle(tx, { index, key, matches }, clock.now())
      if (user !== undefined && renewed !== undefined) {
        await renewPasswordHash(tx, user.id, user.password_hash, renewed)
      }
      return told
    })
    if (outcome.kind !== 'accepted') {
      audit.tally({ action: `api-user-refused-${outcome.kind}`, actor: 'anonymous', subject })
    }
    return outcome
  }
}

async function settle(
  tx: Tx,
  { index, key, matches }: { index: string; key: string; matches: boolean },
  now: string,
): Promise<LoginOutcome> {
  const [, failures, user] = await together(
    lock(tx, [`api-user-failures ${key}`]),
    findFailures(tx, key),
    findApiUser(tx, index),
  )
  const wait = waitMs(failures, now)
  if (wait > 0) return { kind: 'throttled', waitMs: wait }
  if (user === undefined || !matches) {
    await keepFailures(tx, { key, ...afterFailure(failures, now) })
    if (failures === undefined) await forgetFailures(tx, now)
    return { kind: user === undefined ? 'unknown-user' : 'wrong-password' }
  }
  if (failures !== undefined) await clearFailures(tx, key)
  if (user.api_access === 0) return { kind: 'no-api-access' }
  if (user.active === 0) return { kind: 'user-blocked' }
  if (user.entity_active === 0) return { kind: 'entity-suspended' }
  return { kind: 'accepted', userId: user.id }
}
