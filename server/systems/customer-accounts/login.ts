import type { Clock } from '../../../shared/clock.ts'
import type { Core } from '../../core.ts'
import { lock } from '../../database/locks.ts'
import type { Db, Tx } from '../../database/schema.ts'
import { together } from '../../database/together.ts'
import { accountSubject, emailIndex, type KeptProfile, profilePurpose } from './account.ts'
import { addressLock, type Wait } from './service.ts'
import {
  clearAttempts,
  findAccount,
  findAttempts,
  forgetAttempts,
  type FoundAccount,
  renewPasswordHash,
  saveAttempts,
} from './store.ts'

/**
 * Failed logins slow down: so many are free in a quarter of an hour, then every further one makes the next wait, 5 s
 * at first and never more than a minute. They count for an address from one client network, so that a stranger
 * elsewhere keeps nobody out; and, with more of them free, for the address wherever they come from and for the
 * network whatever addresses it tries. Addresses without an account are no different.
 */
const freeFailures = { pair: 5, address: 50, network: 50 } as const
const windowMs = 15 * 60_000
const firstDelayMs = 5_000
const maxDelayMs = 60_000

interface Failures {
  failures: number
  nextTryAt: string
  forgetAt: string
}

export interface Credentials {
  /** As the contract gives it. */
  email: string
  password: string
  network: string
}

type Counted = keyof typeof freeFailures
type Keys = Record<Counted, string>

const counted = Object.keys(freeFailures) as Counted[]

/**
 * Checks a password; an address without an account costs the same time. What was found is told only if nobody has to
 * wait at that moment, in the transaction that counts the failure: guessing in parallel, over any number of
 * instances, learns no more than guessing in turn. That transaction is no other's, so that a guess stays counted
 * also where an idempotency key would tell whether it was right.
 *
 * Throws `passwords-busy`.
 */
export async function checkPassword(
  { database, vault, passwords, audit }: Pick<Core, 'database' | 'vault' | 'passwords' | 'audit'>,
  clock: Clock,
  { email, password, network }: Credentials,
): Promise<CheckedPassword | { kind: 'refused' } | Wait> {
  const address = emailIndex(vault, email)
  const index = (text: string): string => vault.index('customer_attempts.login', text)
  const keys = {
    pair: `login-pair ${index(`${address} ${network}`)}`,
    address: loginKey(address),
    network: `login-network ${index(network)}`,
  }
  const [account, before] = await database.query((db) =>
    Promise.all([findAccount(db, address), findWaitMs(db, keys, clock.now())]),
  )
  if (before > 0) return { kind: 'wait', waitMs: before }
  const { matches, outdated } = await passwords.verify(password, account?.passwordHash)
  const renewed = matches && outdated ? await passwords.hash(password) : undefined
  const login = { keys, account: matches ? account : undefined, renewed }
  const outcome = await database.transact((tx) => settle(tx, login, clock.now()))
  if (outcome.kind === 'refused') {
    const subject = account === undefined ? 'customer-account unknown' : accountSubject(account.id)
    audit.tally({ action: 'customer-login-refused', actor: 'anonymous', subject })
  }
  return outcome.kind === 'matched' ? { kind: 'matched', address, id: outcome.account.id } : outcome
}

/** Whose password it was. */
export interface CheckedPassword {
  kind: 'matched'
  address: string
  id: number
}

/** Logs in with a right password; undefined for whoever was erased in the meantime. */
export async function logIn(
  tx: Tx,
  { vault, tokens }: Pick<Core, 'vault' | 'tokens'>,
  { address, id }: CheckedPassword,
): Promise<{ id: number; nombres: string; email: string; token: string } | undefined> {
  const [, account] = await together(lock(tx, [addressLock(address)]), findAccount(tx, address))
  if (account?.id !== id) return undefined
  const { nombres, email } = JSON.parse(vault.open(profilePurpose(address), account.profile)) as KeptProfile
  return { id, nombres, email, token: await tokens.sign({ aud: 'customer-accounts', sub: String(id) }) }
}

/** Where the failures of an address are kept. */
export function loginKey(address: string): string {
  return `login-address ${address}`
}

interface Compared {
  keys: Keys
  /** Whose password it was. */
  account: FoundAccount | undefined
  /** The password hashed anew, where the stored hash is of an older cost. */
  renewed: string | undefined
}

async function settle(
  tx: Tx,
  { keys, account, renewed }: Compared,
  now: string,
): Promise<{ kind: 'matched'; account: FoundAccount } | { kind: 'refused' } | Wait> {
  const [, known] = await together(lock(tx, Object.values(keys)), findFailures(tx, keys))
  const waitMs = waitMsOf(known, now)
  if (waitMs > 0) return { kind: 'wait', waitMs }
  if (account === undefined) {
    const rows = counted.map((name) => {
      const failures = withFailure(known[name], freeFailures[name], now)
      return { key: keys[name], state: JSON.stringify(failures), forget_at: failures.forgetAt }
    })
    await together(saveAttempts(tx, rows), forgetAttempts(tx, now))
    return { kind: 'refused' }
  }
  // The others stay: whoever guesses may have an account too.
  if (known.pair !== undefined) await clearAttempts(tx, [keys.pair])
  if (renewed !== undefined) await renewPasswordHash(tx, account, renewed)
  return { kind: 'matched', account }
}

type Known = Partial<Record<Counted, Failures>>

async function findFailures(db: Db, keys: Keys): Promise<Known> {
  const found = await findAttempts(db, Object.values(keys))
  const known = counted.flatMap((name) => {
    const state = found.get(keys[name])
    return state === undefined ? [] : [[name, JSON.parse(state) as Failures]]
  })
  return Object.fromEntries(known) as Known
}

async function findWaitMs(db: Db, keys: Keys, now: string): Promise<number> {
  return waitMsOf(await findFailures(db, keys), now)
}

function waitMsOf(known: Known, now: string): number {
  const waits = Object.values(known).map(({ nextTryAt }) => Date.parse(nextTryAt) - Date.parse(now))
  // A little more is the clock of another instance; much more is a clock that was set back, and locks nobody out.
  const believed = waits.filter((waitMs) => waitMs < 2 * maxDelayMs)
  return Math.min(maxDelayMs, Math.max(0, ...believed))
}

function withFailure(known: Failures | undefined, free: number, now: string): Failures {
  const current = known !== undefined && now < known.forgetAt ? known : undefined
  const failures = (current?.failures ?? 0) + 1
  const delayMs = failures < free ? 0 : Math.min(maxDelayMs, firstDelayMs * 2 ** (failures - free))
  return {
    failures,
    nextTryAt: later(now, delayMs),
    forgetAt: current?.forgetAt ?? later(now, windowMs),
  }
}

function later(at: string, ms: number): string {
  return new Date(Date.parse(at) + ms).toISOString()
}
