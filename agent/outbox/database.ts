import { randomUUID } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { isSafeSqlite } from '../../shared/sqlite-version.ts'
import { migrations, schemaVersion } from './schema.ts'
import { heldError, holderOf, withStorageErrors } from './storage-errors.ts'

export type Database = Sqlite.Database
export type Statement = Sqlite.Statement

/** An agent that is just stopping lets go within this. */
const lockPatienceMs = 2_000

export function outboxPath(dataFolder: string): string {
  return join(dataFolder, 'outbox.db')
}

/** Every file that belongs to an outbox: they are only ever moved together. */
export function outboxFiles(dataFolder: string): string[] {
  const path = outboxPath(dataFolder)
  return [path, `${path}-wal`, `${path}-shm`, bornMarker(path)].filter((file) => existsSync(file))
}

/** Makes the data folder, for this user alone. */
function prepareDataFolder(dataFolder: string): void {
  try {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
    accessSync(dataFolder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new AppError('data-folder-unusable', `cannot use the data folder ${dataFolder}`, { cause })
  }
}

/**
 * Opens the outbox, or makes it where there is none, and proves that its commits survive a power cut.
 *
 * The file is held exclusively until it is closed (or this process dies): there is one writer, and a second agent
 * on the same folder is told so. Throws `outbox-locked`, `outbox-corrupt`, `outbox-not-durable`, `outbox-too-new`,
 * `outbox-unusable` or `disk-full`; never falls back to a fresh file or to memory.
 */
export function openOutboxDatabase(dataFolder: string, clock: Clock): Database {
  prepareDataFolder(dataFolder)
  const path = outboxPath(dataFolder)
  refuseLostOutbox(path)
  return withStorageErrors(path, () => {
    // For this user alone; SQLite gives its -wal the same mode.
    closeSync(openSync(path, 'a', 0o600))
    const database = new Sqlite(path, { timeout: lockPatienceMs })
    try {
      holdExclusively(database)
      checkIntegrity(database, path)
      migrate(database, clock)
      proveDurable(database, clock)
      closeSync(openSync(bornMarker(path), 'a', 0o600))
      return database
    } catch (error) {
      database.close()
      throw error
    }
  })
}

function holdExclusively(database: Database): void {
  database.pragma('locking_mode = EXCLUSIVE')
  // Before WAL, on every open: better-sqlite3 is compiled so that a WAL database falls back to NORMAL, which loses
  // commits in a power cut, unless FULL was asked for first.
  database.pragma('synchronous = FULL')
  database.pragma('journal_mode = WAL')
  database.pragma('mmap_size = 0')
  // What is deleted is overwritten: bodies are personal data.
  database.pragma('secure_delete = ON')
  database.pragma('foreign_keys = ON')
}

function checkIntegrity(database: Database, path: string): void {
  const answer = database.pragma('quick_check(1)', { simple: true })
  if (answer !== 'ok') throw new AppError('outbox-corrupt', `the outbox ${path} is damaged`)
}

function migrate(database: Database, clock: Clock): void {
  const version = Number(database.pragma('user_version', { simple: true }))
  if (version > schemaVersion) {
    throw new AppError(
      'outbox-too-new',
      `the outbox has version ${String(version)}, this program knows ${String(schemaVersion)}`,
    )
  }
  if (version === schemaVersion) return
  database.transaction(() => {
    for (const step of migrations.slice(version)) database.exec(step)
    const now = clock.now()
    if (version === 0)
      database
        .prepare('INSERT INTO outbox (epoch, created_at, opened_at) VALUES (?, ?, ?)')
        .run(randomUUID(), now, now)
    database.pragma(`user_version = ${String(schemaVersion)}`)
  })()
}

/** Read back after a write: right after opening, SQLite still answers what it will not do. */
function proveDurable(database: Database, clock: Clock): void {
  database.prepare('UPDATE outbox SET opened_at = ?').run(clock.now())
  const synchronous = database.pragma('synchronous', { simple: true })
  const journalMode = database.pragma('journal_mode', { simple: true })
  const version = String(database.prepare('SELECT sqlite_version()').pluck().get())
  if (synchronous !== 2 || journalMode !== 'wal' || !isSafeSqlite(version)) {
    const found = `synchronous=${String(synchronous)}, journal_mode=${String(journalMode)}, SQLite ${version}`
    throw new AppError('outbox-not-durable', `the outbox would not survive a power cut: ${found}`)
  }
}

/**
 * An outbox that was there once and is now missing or empty is a loss to be told, not a first start; so is a
 * write-ahead log without its database, which may hold registrations.
 */
function refuseLostOutbox(path: string): void {
  const isThere = sizeOf(path) > 0
  if (!isThere && existsSync(bornMarker(path))) {
    throw new AppError('outbox-corrupt', `the outbox ${path} was there and is now missing or empty`)
  }
  if (!isThere && sizeOf(`${path}-wal`) > 0) {
    throw new AppError('outbox-corrupt', `${path}-wal is there but ${path} is missing or empty`)
  }
}

/** Left beside the outbox at its birth. */
function bornMarker(path: string): string {
  return `${path}-born`
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** Throws `outbox-locked` while a process holds the outbox; opens nothing. */
export function refuseIfHeld(dataFolder: string): void {
  const path = outboxPath(dataFolder)
  const holder = holderOf(path)
  if (holder !== undefined) throw heldError(path, holder)
}

/** A damaged outbox, opened to read what is left. */
export interface DamagedOutbox extends Disposable {
  /** Every row that can be read, as it is, in order. */
  rows(): Iterable<Record<string, unknown>>
  /** The highest sequence number given out, as far as it can be told once the rows were read. */
  highestSeq(): number
}

/** A page of the file holds fewer rows than this; it bounds how many lost ones are looked for. */
const maxRowsPerPage = 64

/**
 * Opens a copy of a damaged outbox; closing it may change the file. Never throws: a file that cannot be read at all
 * holds no rows.
 */
export function openDamaged(path: string): DamagedOutbox {
  let database: Database | undefined
  try {
    database = new Sqlite(path, { fileMustExist: true })
    // A damaged page then costs the rows on it, not the whole query.
    database.pragma('cell_size_check = ON')
  } catch {
    database?.close()
    database = undefined
  }
  const value = (sql: string): number => Number(attempt(() => database?.prepare(sql).pluck().get()) ?? 0)
  const mostRows = (value('PRAGMA page_count') + 1) * maxRowsPerPage
  let lastRead = 0
  return {
    *rows() {
      const next = attempt(() =>
        database?.prepare('SELECT * FROM registrations WHERE seq > ? ORDER BY seq LIMIT 1'),
      )
      let after = 0
      // Past a row that cannot be read it goes on number by number until it meets one that can.
      for (let looks = 0; next !== undefined && looks < 2 * mostRows; looks++) {
        const found = attempt(() => ({ row: next.get(after) as Record<string, unknown> | undefined }))
        if (found === undefined) after += 1
        else if (found.row === undefined) return
        else {
          after = lastRead = Number(found.row['seq'])
          yield found.row
        }
      }
    },
    highestSeq() {
      const claimed = value(`SELECT seq FROM sqlite_sequence WHERE name = 'registrations'`)
      // A number that no such file could have reached is damage too.
      return claimed > lastRead + mostRows ? lastRead : Math.max(claimed, lastRead)
    },
    [Symbol.dispose]() {
      database?.close()
    },
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** Makes renames in the folder survive a power cut. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}
