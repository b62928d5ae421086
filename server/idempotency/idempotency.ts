import type { Clock } from '../../shared/clock.ts'
import type { ItemResult } from '../../shared/contracts/kiosk-sync.ts'
import type { Database } from '../database/database.ts'
import { tryLock } from '../database/locks.ts'
import type { Tx } from '../database/schema.ts'
import { together } from '../database/together.ts'
import type { Vault } from '../security/vault.ts'
import { type Counter, countRepetition, findKey, forgetKeys, keepKey } from './store.ts'

const dayMs = 24 * 60 * 60 * 1000
const keptDays = 400

/** An answer as it is kept and sent again. */
export interface KeptAnswer {
  status: number
  /** Those the dialect chose. */
  headers?: Record<string, string>
  /** JSON text as it was sent. */
  body: string
  /** What a kiosk is told beside it, and nobody else. */
  aside?: Pick<ItemResult, 'owner'>
}

/** What a work answers; with `subject`, such as `client 70`, erasing that person finds the kept answer. */
export type WorkAnswer = KeptAnswer & { subject?: string }

/** What came of a request: its own answer, the kept one of an earlier request, or why there is none. */
export type Once =
  | { state: 'answered'; answer: KeptAnswer }
  | { state: 'replayed'; answer: KeptAnswer }
  | { state: 'in-progress' }
  | { state: 'other-body' }

export interface OnceRequest {
  /** The route: keys of different routes are different keys. */
  scope: string
  /** Undefined when the client sent none: then the work simply runs. */
  key: string | undefined
  body: Buffer
}

export interface Idempotency {
  /**
   * Runs `work` in one transaction, at most once per key. A 2xx answer is kept in that same transaction, so
   * either both the work and its answer are stored or neither; anything else leaves the key free.
   */
  once(request: OnceRequest, work: (tx: Tx) => Promise<WorkAnswer>): Promise<Once>
  /**
   * The same inside the caller's transaction, for a kiosk: `counted` says whether the key is in its count now and was
   * not before. A key that others brought first is counted here too, once, and stays in their count.
   */
  onceFor(
    tx: Tx,
    counter: Counter,
    request: OnceRequest & { key: string },
    work: (tx: Tx) => Promise<WorkAnswer>,
  ): Promise<{ once: Once; counted: boolean }>
  /** The kept answer to this very request, key and body; undefined where there is none. */
  kept(request: OnceRequest): Promise<KeptAnswer | undefined>
  /** Forgets answers older than 400 days and says how many. */
  prune(): Promise<number>
}

/**
 * The Idempotency-Key mechanism (draft-ietf-httpapi-idempotency-key-header) for every route that writes.
 *
 * "Still running" is a set in this process and, between instances on one database, a lock on the key. Answers may
 * hold personal data, and bodies passwords: both are kept as the vault makes them.
 */
export function createIdempotency(database: Database, vault: Vault, clock: Clock): Idempotency {
  const running = new Set<string>()

  const indexOf = (scope: string, key: string, body: Buffer): string =>
    vault.index('idempotency', `${scope} ${key}\0${body.toString('base64')}`)
  const open = (scope: string, key: string, answer: string): KeptAnswer =>
    JSON.parse(vault.open(answerPurpose(scope, key), answer)) as KeptAnswer

  const runKeyed = async (
    tx: Tx,
    { scope, key, body }: OnceRequest & { key: string },
    work: (tx: Tx) => Promise<WorkAnswer>,
    counter: Counter | undefined,
  ): Promise<{ once: Once; counted: boolean }> => {
    const requestIndex = indexOf(scope, key, body)
    const [free, kept] = await together(tryLock(tx, `idempotency ${scope} ${key}`), findKey(tx, scope, key))
    if (!free) return { once: { state: 'in-progress' }, counted: false }
    if (kept !== undefined) {
      if (kept.requestIndex !== requestIndex) return { once: { state: 'other-body' }, counted: false }
      // A machine that left and joined again, or whose outbox was salvaged, counts what it delivers anew.
      const isCounted =
        counter === undefined ||
        (kept.kioskId === counter.kioskId && (kept.epoch ?? counter.epoch) === counter.epoch)
      const counted = !isCounted && (await countRepetition(tx, scope, key, counter))
      return { once: { state: 'replayed', answer: open(scope, key, kept.answer) }, counted }
    }
    const { subject = null, ...answer } = await work(tx)
    const succeeded = answer.status >= 200 && answer.status < 300
    if (succeeded) {
      const sealed = vault.seal(answerPurpose(scope, key), JSON.stringify(answer))
      const { kioskId = null, epoch = null } = counter ?? {}
      keepKey(tx, { scope, key, requestIndex, answer: sealed, subject, kioskId, epoch }, clock.now())
    }
    return { once: { state: 'answered', answer }, counted: succeeded }
  }

  return {
    async once({ scope, key, body }, work) {
      if (key === undefined) return { state: 'answered', answer: await database.transact(work) }
      const name = `${scope} ${key}`
      if (running.has(name)) return { state: 'in-progress' }
      running.add(name)
      try {
        const { once } = await database.transact((tx) => runKeyed(tx, { scope, key, body }, work, undefined))
        return once
      } finally {
        running.delete(name)
      }
    },
    onceFor: (tx, counter, request, work) => runKeyed(tx, request, work, counter),
    async kept({ scope, key, body }) {
      if (key === undefined) return undefined
      const found = await database.query((db) => findKey(db, scope, key))
      return found?.requestIndex === indexOf(scope, key, body) ? open(scope, key, found.answer) : undefined
    },
    prune: () => {
      const before = new Date(Date.parse(clock.now()) - keptDays * dayMs).toISOString()
      return database.transact((tx) => forgetKeys(tx, before))
    },
  }
}

/** What a kept answer is sealed for. */
export function answerPurpose(scope: string, key: string): string {
  return `idempotency:${scope} ${key}`
}

export type Key = { key: string } | 'absent' | 'malformed'

/**
 * The key in an Idempotency-Key header, bare or as a quoted string (RFC 8941): 1 to 255 visible ASCII
 * characters. `absent` without the header, `malformed` for anything else.
 */
export function readKey(header: string | string[] | undefined): Key {
  if (header === undefined) return 'absent'
  const text = Array.isArray(header) ? header.join(', ') : header.trim()
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text)?.[1]?.replace(/\\(["\\])/g, '$1')
  const key = quoted ?? (text.startsWith('"') ? '' : text)
  return /^[\x21-\x7e]{1,255}$/.test(key) ? { key } : 'malformed'
}
