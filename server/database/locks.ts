import { hash } from 'node:crypto'
import { CompiledQuery, PostgresAdapter } from 'kysely'
import { runDirectly } from './direct.ts'
import type { Db, Tx } from './schema.ts'

/**
 * Waits until no other transaction, of any instance, holds one of these names, and holds them to the end of this
 * one. To be called once, before the first read that the names protect: taken in one order, they cannot deadlock.
 *
 * On SQLite transactions run one after the other anyway.
 */
export async function lock(tx: Tx, names: string[]): Promise<void> {
  if (!isPostgres(tx)) return
  const keys = names.map(lockKey).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  await runDirectly(tx, CompiledQuery.raw(lockAll, [keys.map(String)]))
}

// Row by row in the order given: a list of calls could be evaluated in any.
const lockAll = 'select pg_advisory_xact_lock(key) from unnest($1::bigint[]) as names (key)'

/** Takes one name to the end of the transaction, or answers false at once where another holds it. */
export async function tryLock(tx: Tx, name: string): Promise<boolean> {
  if (!isPostgres(tx)) return true
  const { rows } = await runDirectly<{ free: boolean }>(
    tx,
    CompiledQuery.raw('select pg_try_advisory_xact_lock($1::bigint) as free', [String(lockKey(name))]),
  )
  return rows[0]?.free === true
}

export function isPostgres(db: Db): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}

/** PostgreSQL's locks are numbers of 64 bits. */
function lockKey(name: string): bigint {
  return hash('sha256', name, 'buffer').readBigInt64BE()
}
