import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import Sqlite from 'better-sqlite3'

export type Database = Sqlite.Database
export type Statement = Sqlite.Statement

/** An agent that is just stopping lets go within this. */
const lockPatienceMs = 2_000

/** A file for this user alone, held exclusively, whatever is in it; SQLite gives its -wal the same mode. */
export function openHeld(path: string): Database {
  closeSync(openSync(path, 'a', 0o600))
  const database = new Sqlite(path, { timeout: lockPatienceMs })
  try {
    database.pragma('locking_mode = EXCLUSIVE')
    // Room that is freed is then given back in pieces.
    if (database.pragma('page_count', { simple: true }) === 0) database.pragma('auto_vacuum = INCREMENTAL')
    // Before WAL, on every open: better-sqlite3 is compiled so that a WAL database falls back to NORMAL, which loses
    // commits in a power cut, unless FULL was asked for first.
    database.pragma('synchronous = FULL')
    database.pragma('journal_mode = WAL')
    database.pragma('mmap_size = 0')
    // What is deleted is overwritten.
    database.pragma('secure_delete = ON')
    // A write-ahead log that a long transaction has blown up shrinks again.
    database.pragma('journal_size_limit = 8388608')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** What the file's header says whatever is in it: offset and bytes (https://www.sqlite.org/fileformat2.html, 1.3). */
const constantHeader: [number, Buffer][] = [
  [0, Buffer.from('SQLite format 3\0')],
  // Fractions of a payload, fixed.
  [21, Buffer.of(64, 32, 32)],
  // Schema format 4, text in UTF-8.
  [44, Buffer.of(0, 0, 0, 4)],
  [56, Buffer.of(0, 0, 0, 1)],
]
const headerBytes = 100

/**
 * A copy of a damaged file, opened to read what is left of it; undefined where nothing of it can be opened. What is always
 * the same in a header is put right in it.
 */
export function openToSalvage(path: string): Database | undefined {
  let database: Database | undefined
  try {
    if (statSync(path).size >= headerBytes) {
      const file = openSync(path, 'r+')
      for (const [offset, bytes] of constantHeader) writeSync(file, bytes, 0, bytes.length, offset)
      closeSync(file)
    }
    database = new Sqlite(path, { fileMustExist: true })
    // A damaged page then costs the rows on it, not the whole query.
    database.pragma('cell_size_check = ON')
    return database
  } catch {
    database?.close()
    return undefined
  }
}

/** An outbox as it should be, in memory: only to compare with. */
export function openModel(schema: string): Database {
  return new Sqlite(':memory:').exec(schema)
}

export function sqliteVersion(database: Database): string {
  return String(database.prepare('SELECT sqlite_version()').pluck().get())
}
