import { cpSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Clock } from '../../shared/clock.ts'
import { openDamaged, openOutboxDatabase, outboxFiles, outboxPath, refuseIfHeld } from './database.ts'

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
 * Throws `outbox-locked` while an agent runs.
 */
export function recoverOutbox(dataFolder: string, clock: Clock): Recovery {
  refuseIfHeld(dataFolder)
  const path = outboxPath(dataFolder)
  const setAside = join(dataFolder, `outbox-set-aside-${clock.now().replaceAll(':', '-')}`)
  mkdirSync(setAside, { mode: 0o700 })
  for (const file of outboxFiles(dataFolder)) renameSync(file, join(setAside, basename(file)))

  // Reading replays the write-ahead log into the file it reads, so that is done on a copy.
  using work = disposableCopy(setAside)
  using damaged = openDamaged(join(work.folder, basename(path)))
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

function disposableCopy(folder: string): Disposable & { folder: string } {
  const copy = `${folder}-copy`
  cpSync(folder, copy, { recursive: true })
  return {
    folder: copy,
    [Symbol.dispose]() {
      rmSync(copy, { recursive: true })
    },
  }
}
