import { createHmac } from 'node:crypto'
import type { Database } from './database.ts'

/** What was imported from lists, by its content: a keyed hash, since the content is personal. Kept for good. */
const table = 'CREATE TABLE IF NOT EXISTS imported (key BLOB PRIMARY KEY) STRICT, WITHOUT ROWID'

/** Remembers this content, and answers whether it is new. To be called in the transaction that stores the content. */
export function rememberImported(database: Database, epoch: string, content: string): boolean {
  database.exec(table)
  const key = createHmac('sha256', epoch).update(content).digest().subarray(0, 16)
  return database.prepare('INSERT OR IGNORE INTO imported (key) VALUES (?)').run(key).changes === 1
}
