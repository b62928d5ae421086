import { createHmac } from 'node:crypto'
import type { Database } from './database.ts'
import type { OutboxFile } from './file.ts'
import type { Seals } from './seal.ts'

const insert = 'INSERT OR IGNORE INTO imported (key) VALUES (?)'

/**
 * Remembers that this came from a list, by a keyed hash since it is personal, and answers whether it is new. To be called
 * in the transaction that stores it. Kept for good.
 */
export function rememberImported(file: OutboxFile, content: string): boolean {
  return file.statement(insert).run(file.seals.listKey(content)).changes === 1
}

/** The same for an outbox that is being filled from another one. */
export function importedRememberer(database: Database, seals: Seals): (content: string) => void {
  const statement = database.prepare(insert)
  return (content) => void statement.run(seals.listKey(content))
}

/**
 * What an outbox of version 1 remembers of lists: answers whether this content came from one. Its hashes were keyed by the
 * epoch, which anybody can read; so they are made anew from every content that is still there.
 */
export function importedInVersion1(keys: Iterable<Uint8Array>, epoch: string): (content: string) => boolean {
  const known = new Set(Array.from(keys, (key) => Buffer.from(key).toString('hex')))
  return (content) =>
    known.size > 0 && known.has(createHmac('sha256', epoch).update(content).digest('hex').slice(0, 32))
}
