import { sql } from 'kysely'
import type { Db } from '../database/schema.ts'

export async function sqliteFacts(db: Db): Promise<{ version: string; journal: string; bytes: number }> {
  const { rows } = await sql<{ version: string; journal: string; bytes: number }>`
    select sqlite_version() as version, journal_mode as journal, page_count * page_size as bytes
    from pragma_journal_mode, pragma_page_count, pragma_page_size`.execute(db)
  return one(rows)
}

export interface PostgresFacts {
  version: string
  fsync: string
  synchronous_commit: string
  full_page_writes: string
  /** ISO 8601, by the clock of the database. */
  now: string
}

export async function postgresFacts(db: Db): Promise<PostgresFacts> {
  const { rows } = await sql<PostgresFacts>`
    select current_setting('server_version') as version, current_setting('fsync') as fsync,
      current_setting('synchronous_commit') as synchronous_commit,
      current_setting('full_page_writes') as full_page_writes,
      to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as now`.execute(db)
  return one(rows)
}

export async function ping(db: Db): Promise<void> {
  await sql`select 1`.execute(db)
}

const counted = [
  'clients',
  'cards',
  'customer_accounts',
  'user_accounts',
  'digital_registrations',
  'idempotency_keys',
  'audit_events',
] as const

/** How many rows the tables have, by name; open cases beside them. */
export async function countRows(db: Db): Promise<Record<string, number>> {
  const { rows } = await sql<Record<string, number | string>>`select ${sql.join(
    counted.map((name) => sql`(select count(*) from ${sql.table(name)}) as ${sql.ref(name)}`),
  )}, (select count(*) from staff_cases where closed_at is null) as open_cases`.execute(db)
  return Object.fromEntries(Object.entries(one(rows)).map(([name, count]) => [name, Number(count)]))
}

function one<T>(rows: T[]): T {
  const [row] = rows
  if (row === undefined) throw new Error('the query answers one row')
  return row
}
