import type { OutboxFile } from './file.ts'

interface Index {
  table: 'registrations' | 'tombstones'
  name: string
  /** Which rows are in it, and by what beside their number: as schema.ts has it. */
  holds: (row: string) => string
  by: string[]
}

const waits = (row: string): string => `${row}.state = 'pending' AND ${row}.is_filed = 1`
const isUnconfirmed = (row: string): string => `${row}.last_error = 'delivered-unconfirmed'`

const indexes: Index[] = [
  { table: 'registrations', name: 'registrations_turn', holds: waits, by: ['failures'] },
  { table: 'registrations', name: 'registrations_subject', holds: waits, by: ['subject'] },
  { table: 'registrations', name: 'registrations_card', holds: waits, by: ['card'] },
  {
    ...{ table: 'registrations', name: 'registrations_settled', by: ['settled_at'] },
    holds: (row) => `${row}.state IN ('delivered', 'discarded')`,
  },
  {
    ...{ table: 'registrations', name: 'registrations_odd', by: ['state'] },
    holds: (row) => `${row}.state IN ('dead', 'discarded', 'lost')`,
  },
  { table: 'registrations', name: 'registrations_unconfirmed', holds: isUnconfirmed, by: [] },
  { table: 'tombstones', name: 'tombstones_unconfirmed', holds: isUnconfirmed, by: [] },
]

/** For each index, the rows of a stretch that it should hold. */
const missing = indexes.map(({ table, name, holds, by }) => {
  const isSame = ['seq', ...by].map((column) => `entry.${column} IS row.${column}`).join(' AND ')
  const sql = `
    SELECT row.seq FROM ${table} AS row NOT INDEXED
    WHERE row.seq > $after AND row.seq <= $through AND ${holds('row')} AND NOT EXISTS (
      SELECT 1 FROM ${table} AS entry INDEXED BY ${name} WHERE ${holds('entry')} AND ${isSame})`
  return { name, sql }
})

/**
 * Rows with numbers above `after`, up to `through`, that an index lacks: the queue would pass them over. This is what
 * SQLite's own integrity check would tell of them, a stretch at a time, so that taps go on in between.
 */
export function unindexed(
  file: OutboxFile,
  after: number,
  through: number,
): { seq: number; index: string }[] {
  return missing.flatMap(({ name, sql }) =>
    file.all<{ seq: number }>(sql, { after, through }).map(({ seq }) => ({ seq, index: name })),
  )
}
