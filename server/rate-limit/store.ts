import { CompiledQuery, sql } from 'kysely'
import type { Db } from '../database/schema.ts'
import type { Hits } from './limit-rate.ts'

/** Counts `hits` more in the key's window, or starts a new one, and answers where it stands. PostgreSQL only. */
export async function countHits(db: Db, key: string, hits: number, windowMs: number): Promise<Hits> {
  const query = CompiledQuery.raw(count, [key, hits, windowMs])
  const { rows } = await db.executeQuery<{ count: number; resets_in_ms: number }>(query)
  const [row] = rows
  if (row === undefined) throw new Error('an upsert answers its row')
  return { count: row.count, resetsInMs: row.resets_in_ms }
}

const count = `
  insert into hits as before (key, count, ends_at)
  values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
  on conflict (key) do update set
    count = case when before.ends_at <= clock_timestamp() then excluded.count else before.count + excluded.count end,
    ends_at = case when before.ends_at <= clock_timestamp() then excluded.ends_at else before.ends_at end
  returning count, extract(epoch from ends_at - clock_timestamp())::float8 * 1000 as resets_in_ms`

// A flood leaves more rows than one statement may take time for.
const forgottenAtOnce = 10_000

/** Forgets windows that have ended and says how many. */
export async function forgetWindows(db: Db): Promise<number> {
  for (let forgotten = 0; ;) {
    const ended = sql`select key from hits where ends_at < clock_timestamp() limit ${sql.lit(forgottenAtOnce)}`
    const { numAffectedRows } = await sql`
      delete from hits where ends_at < clock_timestamp() and key in (${ended})`.execute(db)
    forgotten += Number(numAffectedRows ?? 0)
    if (Number(numAffectedRows ?? 0) < forgottenAtOnce) return forgotten
  }
}
