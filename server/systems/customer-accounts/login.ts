import type { Core } from '../../core.ts'
import { afterCommit } from '../../database/after-commit.ts'
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

export type LoginOutcome =
  { kind: 'accepted'; id: number; nombres: string; email: string; token: string } | { kind: 'refused' } | Wait

type Counted = keyof typeof freeFailures
type Keys = Record<Counted, string>

const counted = Object.keys(freeFailures) as Counted[]

/** A password that has been compared; nobody is told yet how that went. */
export interface CheckedPassword {
  kind: 'checked'
  address: string
  keys: Keys
  /** Of the address, for the audit trail. */
  subject: string
  /** Whose password it was. */
  account: FoundAccount | undefined
  /** The password hashed anew, where the stored hash is of an older cost. */
  renewed: string | undefined
}

/** Compares a password; an address without an account costs the same time. Throws `passwords-busy`. */
export async function checkPassword(
  { database, vault, passwords }: Pick<Core, 'database' | 'vault' | 'passwords'>,
  { email, password, network }: Credentials,
  now: string,
): Promise<CheckedPassword | Wait> {
  const address = emailIndex(vault, email)
  const index = (text: string): string => vault.index('customer_attempts.login', text)
  const keys = {
    pair: `login-pair ${index(`${address} ${network}`)}`,
    address: loginKey(address),
    network: `login-network ${index(network)}`,
  }
  const [account, waitMs] = await database.query((db) =>
    Promise.all([findAccount(db, address), findWaitMs(db, keys, now)]),
  )
  if (waitMs > 0) return { kind: 'wait', waitMs }
  const { matches, outdated } = await passwords.verify(password, account?.passwordHash)
  const renewed = matches && outdated ? await passwords.hash(password) : undefined
  const subject = account === undefined ? 'customer-account unknown' : accountSubject(account.id)
  return { kind: 'checked', address, keys, subject, account: matches ? account : undefined, renewed }
}

/**
 * Tells how the comparison went, only if nobody has to wait at that moment, in the transaction that counts a failure:
 * guessing in parallel, over any number of instances, learns no more than guessing in turn. Whoever was erased in the
 * meantime is nobody.
 */
export async function logIn(
  tx: Tx,
  { vault, tokens, audit }: Pick<Core, 'vault' | 'tokens' | 'audit'>,
  { address, keys, subject, account, renewed }: CheckedPassword,
  now: string,
): Promise<LoginOutcome> {
  const [, known, current] = await together(
    lock(tx, [addressLock(address), ...Object.values(keys)]),
    findFailures(tx, keys),
    findAccount(tx, address),
  )
  const waitMs = waitMsOf(known, now)
  if (waitMs > 0) return { kind: 'wait', waitMs }
  if (account === undefined || current?.id !== account.id) {
    const rows = counted.map((name) => {
      const failures = withFailure(known[name], freeFailures[name], now)
      return { key: keys[name], state: JSON.stringify(failures), forget_at: failures.forgetAt }
    })
    await together(saveAttempts(tx, rows), forgetAttempts(tx, now))
    afterCommit(tx, () => {
      audit.tally({ action: 'customer-login-refused', actor: 'anonymous', subject })
    })
    return { kind: 'refused' }
  }
  // The others stay: whoever guesses may have an account too.
  if (known.pair !== undefined) await clearAttempts(tx, [keys.pair])
  if (renewed !== undefined) await renewPasswordHash(tx, account, renewed)
  const { id, profile } = current
  const { nombres, email } = JSON.parse(vault.open(profilePurpose(address), profile)) as KeptProfile
  const token = await tokens.sign({ aud: 'customer-accounts', sub: String(id) })
  return { kind: 'accepted', id, nombres, email, token }
}

/** Where the failures of an address are kept. */
export function loginKey(address: string): string {
  return `login-address ${address}`
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
