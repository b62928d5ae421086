import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import {
  openDamaged,
  openOutboxDatabase,
  outboxFiles,
  outboxPath,
  refuseIfHeld,
  syncFolder,
} from './database.ts'
import { withStorageErrors } from './storage-errors.ts'

export interface Recovery {
  /** Folder that holds the damaged files, unchanged. */
  setAside: string
  /** Registrations in the new outbox, with their keys and states. */
  recovered: number
  /** Sequence numbers up to the highest known that could not be read. */
  lost: number
}

const setAsidePrefix = 'outbox-set-aside-'

/**
 * The way out of a corrupt outbox: keeps a copy of database and WAL as they are, then puts a new outbox in their place
 * that holds every row that can still be read. Keys are kept, so sending a recovered row again cannot register it twice.
 *
 *   copy aside -> build the new file elsewhere -> `outbox.db.recovered`, whole and synced -> swap
 *
 * Until the swap nothing of the old outbox is touched, and a swap that was cut short is finished by the next call: a
 * crash at any point leaves either the damaged outbox or the new one, never a fresh start.
 *
 * Throws `outbox-locked` while an agent runs, `outbox-missing` where there is no outbox, `disk-full`.
 */
export function recoverOutbox(dataFolder: string, clock: Clock): Recovery {
  const path = outboxPath(dataFolder)
  const ready = `${path}.recovered`
  if (outboxFiles(dataFolder).length === 0 && !existsSync(ready)) {
    throw new AppError('outbox-missing', `there is no outbox in ${dataFolder}`)
  }
  refuseIfHeld(dataFolder)
  return withStorageErrors(path, () => {
    if (!existsSync(ready)) build(dataFolder, ready, clock)
    // A write-ahead log of the old file beside the new one would be replayed into it.
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
    renameSync(ready, path)
    syncFolder(dataFolder)
    return report(dataFolder, clock)
  })
}

function build(dataFolder: string, ready: string, clock: Clock): void {
  const setAside = join(dataFolder, setAsidePrefix + clock.now().replaceAll(':', '-'))
  using work = temporaryFolder(join(dataFolder, 'outbox-recovering'))
  const copies = join(work.folder, 'damaged')
  try {
    mkdirSync(setAside, { mode: 0o700 })
    for (const file of outboxFiles(dataFolder)) cpSync(file, join(setAside, basename(file)))
  } catch (error) {
    // Half a copy would look like evidence.
    rmSync(setAside, { recursive: true, force: true })
    throw error
  }
  // Reading replays the write-ahead log into the file it reads, so that is done on a copy of the copy.
  cpSync(setAside, copies, { recursive: true })

  const freshFolder = join(work.folder, 'fresh')
  const fresh = openOutboxDatabase(freshFolder, clock)
  try {
    using damaged = openDamaged(join(copies, basename(outboxPath(dataFolder))))
    fresh.transaction(() => {
      for (const row of damaged.rows()) insert(fresh, row)
      // Numbers that were lost are not given out again.
      fresh.prepare(`DELETE FROM sqlite_sequence WHERE name = 'registrations'`).run()
      fresh
        .prepare(`INSERT INTO sqlite_sequence (name, seq) VALUES ('registrations', ?)`)
        .run(damaged.highestSeq())
    })()
  } finally {
    // Closing brings everything from the write-ahead log into the file.
    fresh.close()
  }
  renameSync(outboxPath(freshFolder), ready)
  syncFolder(dataFolder)
}

/** A row whose values are damaged may break a rule of the table: it is lost, the others are not. */
function insert(fresh: ReturnType<typeof openOutboxDatabase>, row: Record<string, unknown>): void {
  const names = Object.keys(row)
  const places = names.map((name) => `$${name}`).join(', ')
  fresh.prepare(`INSERT OR IGNORE INTO registrations (${names.join(', ')}) VALUES (${places})`).run(row)
}

function report(dataFolder: string, clock: Clock): Recovery {
  const database = openOutboxDatabase(dataFolder, clock)
  try {
    const recovered = Number(database.prepare('SELECT count(*) FROM registrations').pluck().get())
    const highest = Number(
      database.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'registrations'`).pluck().get(),
    )
    const newest = readdirSync(dataFolder)
      .filter((name) => name.startsWith(setAsidePrefix))
      .sort()
      .at(-1)
    return { setAside: join(dataFolder, newest ?? ''), recovered, lost: Math.max(0, highest - recovered) }
  } finally {
    database.close()
  }
}

function temporaryFolder(folder: string): Disposable & { folder: string } {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { mode: 0o700 })
  return {
    folder,
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
