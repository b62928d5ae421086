import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Clock } from '../../shared/clock.ts'
import { openDamaged, openOutboxDatabase, outboxPath } from './database.ts'

export interface Recovery {
  /** Folder that now holds the damaged files, unchanged. */
  setAside: string
  /** Registrations copied into the new outbox, with their keys and states. */
  recovered: number
  /** Sequence numbers up to the highest known that could not be read. */
  lost: number
}

/**
 * The way out of a corrupt outbox: moves database, WAL and shared memory aside together, then copies every row that
 * can still be read into a new outbox. Keys are kept, so sending a recovered row again cannot register it twice.
 */
export function recoverOutbox(dataFolder: string, clock: Clock): Recovery {
  const path = outboxPath(dataFolder)
  const setAside = join(dataFolder, `outbox-set-aside-${clock.now().replaceAll(':', '-')}`)
  mkdirSync(setAside, { mode: 0o700 })
  for (const suffix of ['', '-wal', '-shm', '-journal']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, join(setAside, basename(path) + suffix))
  }

  using damaged = openDamaged(join(setAside, basename(path)))
  const fresh = openOutboxDatabase(dataFolder, clock)
  try {
    const { rows, highestSeq } = damaged.readable()
    const copy = fresh.transaction(() => {
      for (const row of rows) {
        const names = Object.keys(row)
        const places = names.map((name) => `$${name}`).join(', ')
        fresh.prepare(`INSERT INTO registrations (${names.join(', ')}) VALUES (${places})`).run(row)
      }
      // Numbers that were lost are not given out again.
      fresh.prepare(`DELETE FROM sqlite_sequence WHERE name = 'registrations'`).run()
      fresh.prepare(`INSERT INTO sqlite_sequence (name, seq) VALUES ('registrations', ?)`).run(highestSeq)
    })
    copy()
    return { setAside, recovered: rows.length, lost: Math.max(0, highestSeq - rows.length) }
  } finally {
    fresh.close()
  }
}
