import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import Sqlite from 'better-sqlite3'
import { AppError, type ErrorCode, nativeCode } from '../../../shared/errors.ts'
import { isSafeSqlite } from '../../../shared/sqlite-version.ts'
import { syncFolder } from '../../../shared/whole-file.ts'

/** Written into every file this program creates, so that another program's database is never taken for ours. */
const applicationId = 0x564c5453

/** The raw handle of better-sqlite3, which only this folder knows. */
export type SqliteFile = Sqlite.Database

/** Creates the folder, for its owner alone, when it is not there. */
export function makeDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const path = resolve(folder)
    const message = `cannot create the folder ${path} (${nativeCode(cause) ?? 'unknown error'})`
    throw new AppError('data-folder-unusable', message, { cause })
  }
}

/**
 * Claims the data folder for one server: an exclusive lock on `server.lock`, which the kernel frees with the
 * process however it ends. The database itself stays open to other programs (backup, the admin commands).
 *
 * Throws `database-locked` while another server holds it.
 */
export function holdDataFolder(folder: string): Disposable {
  const path = join(folder, 'server.lock')
  return attempt(path, () => {
    const lock = new Sqlite(path, { timeout: 0 })
    try {
      lock.exec('begin exclusive')
    } catch (error) {
      lock.close()
      throw error
    }
    return { [Symbol.dispose]: () => lock.close() }
  })
}

/** Whether there is a database in the folder, whatever its state. */
export function hasSqlite(folder: string): boolean {
  return existsSync(join(folder, 'server.db'))
}

/**
 * Opens `server.db` in the folder, checked and durable; creates it when nothing of it is there.
 *
 * Throws `database-corrupt`, `database-locked`, `database-not-durable`, `data-folder-unusable`, `disk-full` or
 * `storage-failed`.
 */
export function openSqlite(folder: string): SqliteFile {
  const path = join(folder, 'server.db')
  return attempt(path, () => {
    if (!existsSync(path)) createFile(path)
    const file = new Sqlite(path, { fileMustExist: true, timeout: 2_000 })
    try {
      refuseOldSqlite(file)
      // Also an emptied file, which SQLite would take for a new database, and all clients for gone.
      if (file.pragma('application_id', { simple: true }) !== applicationId) {
        throw new AppError('database-corrupt', `${path} is not a database of vlt-server`)
      }
      makeDurable(file)
      file.pragma('foreign_keys = on')
      // What is erased must not stay readable in the file: see scrub.ts.
      file.pragma('secure_delete = on')
      const verdict = file.pragma('quick_check(1)', { simple: true })
      if (verdict !== 'ok') throw new AppError('database-corrupt', `${path}: ${String(verdict)}`)
      assertDurable(file)
      // From here on nobody may block the event loop: see ImmediateDriver.
      file.pragma('busy_timeout = 0')
      return file
    } catch (error) {
      file.close()
      throw error
    }
  })
}

/** A new file appears under its name only when it is whole, so a crash while creating leaves none behind. */
function createFile(path: string): void {
  if (existsSync(`${path}-wal`)) {
    throw new AppError('database-corrupt', `${path} is missing, yet its ${path}-wal is there`)
  }
  const draft = `${path}.new`
  for (const leftover of [draft, `${draft}-wal`, `${draft}-shm`, `${draft}-journal`]) {
    rmSync(leftover, { force: true })
  }
  const file = new Sqlite(draft)
  file.pragma('synchronous = full')
  file.pragma(`application_id = ${String(applicationId)}`)
  file.close()
  renameSync(draft, path)
  syncFolder(dirname(path))
}

/** better-sqlite3 is compiled so that WAL falls back to NORMAL unless FULL was asked for before. */
function makeDurable(file: SqliteFile): void {
  file.pragma('synchronous = full')
  file.pragma('journal_mode = wal')
}

/** Reads back, after a real write, what a commit survives. Throws `database-not-durable`. */
export function assertDurable(file: SqliteFile): void {
  const version: unknown = file.pragma('user_version', { simple: true })
  file.pragma(`user_version = ${String(version)}`)
  const synchronous: unknown = file.pragma('synchronous', { simple: true })
  const journal: unknown = file.pragma('journal_mode', { simple: true })
  if (synchronous !== 2 || journal !== 'wal') {
    throw new AppError(
      'database-not-durable',
      `${file.name} runs with synchronous=${String(synchronous)}, journal_mode=${String(journal)}; 2 and wal are needed`,
    )
  }
}

function refuseOldSqlite(file: SqliteFile): void {
  const text = String(file.prepare('select sqlite_version()').pluck().get())
  if (!isSafeSqlite(text)) {
    throw new AppError(
      'database-not-durable',
      `SQLite ${text} can corrupt a database that is in use; a newer one is needed`,
    )
  }
}

/** Result codes of SQLite (https://sqlite.org/rescode.html) and of the file system, as failures of ours. */
const faults: [RegExp, ErrorCode][] = [
  [/^SQLITE_(BUSY|LOCKED)/, 'database-locked'],
  [/^SQLITE_(CORRUPT|NOTADB)/, 'database-corrupt'],
  [/^(SQLITE_FULL|ENOSPC)/, 'disk-full'],
  [/^(SQLITE_(CANTOPEN|READONLY|PERM|AUTH)|EACCES|EPERM|EROFS|ENOTDIR|EISDIR)/, 'data-folder-unusable'],
  [/^(SQLITE_IOERR|EIO)/, 'storage-failed'],
]

/** `error` as a failure of the database at `path`, or unchanged when it is none. */
export function storageFault(error: unknown, path: string): unknown {
  const native = nativeCode(error)
  const code = faults.find(([pattern]) => native !== undefined && pattern.test(native))?.[1]
  if (code === undefined || error instanceof AppError) return error
  return new AppError(code, `${path}: ${error instanceof Error ? error.message : String(native)}`, {
    cause: error,
  })
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw storageFault(error, path)
  }
}
