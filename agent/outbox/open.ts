import { statSync } from 'node:fs'
import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { isSafeSqlite } from '../../shared/sqlite-version.ts'
import { openHeld, openModel, sqliteVersion, type Database } from './database.ts'
import { lastRow } from './file.ts'
import { isReportedDamaged, outboxPath, refuseLostOutbox } from './folder.ts'
import { newEpoch } from './id.ts'
import {
  createKeyring,
  isWrapped,
  readKeyring,
  writeKeyring,
  type Keyring,
  type KeyPlace,
} from './keyring.ts'
import { readMark } from './mark.ts'
import { migrateFromVersion1 } from './migrate.ts'
import { inspect, type RawRow } from './rows.ts'
import { schema, schemaVersion } from './schema.ts'
import { Seals } from './seal.ts'
import { withStorageErrors } from './storage-errors.ts'

export interface OpenDatabase {
  database: Database
  keyring: Keyring
  epoch: string
}

/**
 * Opens the outbox, or makes it where there is none, and proves that its commits survive a power cut.
 *
 * The file is held exclusively until it is closed (or this process dies): there is one writer, and a second agent
 * on the same folder is told so. Throws `outbox-locked`, `outbox-corrupt`, `outbox-not-durable`, `outbox-too-new`,
 * `outbox-unusable`, `outbox-key-…` or `disk-full`; never falls back to a fresh file or to memory.
 */
export function openOutboxDatabase(dataFolder: string, clock: Clock, keys: KeyPlace): OpenDatabase {
  const path = outboxPath(dataFolder)
  refuseLostOutbox(path)
  return withStorageErrors(path, () => {
    const database = openHeld(path)
    try {
      if (isReportedDamaged(path))
        throw new AppError('outbox-corrupt', `the outbox ${path} turned out damaged`)
      checkIntegrity(database, path)
      const keyring = prepareTables(database, clock, keys)
      proveDurable(database, clock)
      const epoch = database.prepare('SELECT epoch FROM outbox').pluck().get() as string
      checkKeys(database, keyring, epoch, path)
      checkMark(database, epoch, path)
      checkLastRow(database, new Seals(keyring, epoch), path)
      if (keys.secret !== undefined && !isWrapped(keys)) writeKeyring(keys, keyring)
      return { database, keyring, epoch }
    } catch (error) {
      database.close()
      throw error
    }
  })
}

/** Above it a start would keep people waiting: then every row is read in idle hours instead (tend.ts). */
const checkedBytes = 128 * 1024 * 1024

function checkIntegrity(database: Database, path: string): void {
  if (statSync(path).size > checkedBytes) return
  const answer = database.pragma('quick_check(1)', { simple: true })
  if (answer !== 'ok') throw new AppError('outbox-corrupt', `the outbox ${path} is damaged`)
}

/** The tables of this version, made or migrated, and the keys they go with. */
function prepareTables(database: Database, clock: Clock, keys: KeyPlace): Keyring {
  const version = Number(database.pragma('user_version', { simple: true }))
  const marked = readMark(database.name)?.version
  if (marked !== undefined && marked <= schemaVersion && marked !== version)
    throw new AppError('outbox-corrupt', `the outbox ${database.name} has a damaged version`)
  if (version > schemaVersion) {
    throw new AppError(
      'outbox-too-new',
      `the outbox has version ${String(version)}, this program knows ${String(schemaVersion)}`,
    )
  }
  const found = readKeyring(keys)
  if (version === schemaVersion) {
    checkTables(database)
    if (found === undefined) throw new AppError('outbox-key-missing', `${keys.path} is not there`)
    return found
  }
  const keyring = found ?? createKeyring(keys, clock.now())
  if (version === 1) migrateFromVersion1(database, keyring)
  else database.transaction(() => void giveBirth(database, keyring, clock))()
  return keyring
}

/** Makes the tables of a new outbox, inside a transaction; answers its epoch. */
export function giveBirth(database: Database, keyring: Keyring, clock: Clock): string {
  const epoch = newEpoch()
  database.exec(schema)
  const now = clock.now()
  database
    .prepare('INSERT INTO outbox (epoch, key_proof, created_at, opened_at, base_link) VALUES (?, ?, ?, ?, ?)')
    .run(epoch, new Seals(keyring, epoch).proof(), now, now, Buffer.alloc(0))
  database.pragma(`user_version = ${String(schemaVersion)}`)
  return epoch
}

/** A table or an index whose name or text is damaged may pass every check of SQLite. */
function checkTables(database: Database): void {
  const query = `SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL`
  const model = openModel(schema)
  const read = (from: Database) => from.prepare(query).all() as { name: string; sql: string }[]
  const found = new Map(read(database).map(({ name, sql }) => [name, sql]))
  const isWhole = read(model).every(({ name, sql }) => found.get(name) === sql)
  model.close()
  if (!isWhole || database.prepare('SELECT count(*) FROM outbox').pluck().get() !== 1)
    throw new AppError('outbox-corrupt', `the outbox ${database.name} has damaged tables`)
}

/** Read back after a write: right after opening, SQLite still answers what it will not do. */
function proveDurable(database: Database, clock: Clock): void {
  database.prepare('UPDATE outbox SET opened_at = ?').run(clock.now())
  const synchronous = database.pragma('synchronous', { simple: true })
  const journalMode = database.pragma('journal_mode', { simple: true })
  const version = sqliteVersion(database)
  if (synchronous !== 2 || journalMode !== 'wal' || !isSafeSqlite(version)) {
    const found = `synchronous=${String(synchronous)}, journal_mode=${String(journalMode)}, SQLite ${version}`
    throw new AppError('outbox-not-durable', `the outbox would not survive a power cut: ${found}`)
  }
}

function checkKeys(database: Database, keyring: Keyring, epoch: string, path: string): void {
  const proof = database.prepare('SELECT key_proof FROM outbox').pluck().get()
  if (proof === new Seals(keyring, epoch).proof()) return
  const born = readMark(path)?.epoch
  if (born !== undefined && born !== epoch && proof === new Seals(keyring, born).proof()) {
    throw new AppError('outbox-corrupt', `the outbox ${path} has a damaged epoch`)
  }
  throw new AppError('outbox-key-mismatch', `${path} was sealed with other keys`)
}

/** What comes next goes on from the last row: its number must be its own. */
function checkLastRow(database: Database, seals: Seals, path: string): void {
  const row = database.prepare('SELECT * FROM registrations ORDER BY seq DESC LIMIT 1').get() as
    RawRow | undefined
  if (row !== undefined && row.state !== 'lost' && inspect(seals, row) === 'lost')
    throw new AppError('outbox-corrupt', `the last registration in ${path} does not open`)
}

/** An outbox behind its mark has lost registrations, be it by damage or because an older copy was put in its place. */
function checkMark(database: Database, epoch: string, path: string): void {
  const mark = readMark(path)
  if (mark === undefined) return
  const { highestSeq, floor, lastSeq } = lastRow(database)
  const isBeyond = floor > Math.max(lastSeq, mark.highestSeq)
  if (mark.epoch !== epoch || mark.highestSeq > highestSeq || isBeyond) {
    const was = `it had come to number ${String(mark.highestSeq)} and ends at ${String(highestSeq)}`
    throw new AppError('outbox-corrupt', `the outbox ${path} is not what it was: ${was}`)
  }
}
