import { createHash } from 'node:crypto'
import { PostgresAdapter, sql } from 'kysely'
import type { Tx } from './schema.ts'

/**
 * Waits until no other transaction, of any instance, holds one of these names, and holds them to the end of this
 * one. To be called once, before the first read that the names protect: taken in one order, they cannot deadlock.
 *
 * On SQLite transactions run one after the other anyway.
 */
export async function lock(tx: Tx, names: string[]): Promise<void> {
  if (!isPostgres(tx)) return
  const keys = names.map(lockKey).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  // Row by row in the order given: a list of calls could be evaluated in any.
  await sql`select pg_advisory_xact_lock(key) from unnest(${keys.map(String)}::bigint[]) as names(key)`.execute(
    tx,
  )
}

/** Takes one name to the end of the transaction, or answers false at once where another holds it. */
export async function tryLock(tx: Tx, name: string): Promise<boolean> {
  if (!isPostgres(tx)) return true
  const { rows } = await sql<{
    free: boolean
  }>`select pg_try_advisory_xact_lock(${String(lockKey(name))}::bigint) as free`.execute(tx)
  return rows[0]?.free === true
}

function isPostgres(tx: Tx): boolean {
  return tx.getExecutor().adapter instanceof PostgresAdapter
}

/** PostgreSQL's locks are numbers of 64 bits. */
function lockKey(name: string): bigint {
  return createHash('sha256').update(name).digest().readBigInt64BE()
}
