import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Clock } from '../../shared/clock.ts'
import { AppError, nativeCode } from '../../shared/errors.ts'
import { syncFolder } from '../../shared/whole-file.ts'
import { openHeld, openToSalvage } from './database.ts'
import { dropBornMarker, dropDamageReport, outboxFiles, outboxPath, refuseIfHeld } from './folder.ts'
import { importedRememberer } from './imported.ts'
import { createKeyring, keyPlace, readKeyring, type Keyring, type KeyPlace } from './keyring.ts'
import { MarkFile, readMark } from './mark.ts'
import { giveBirth } from './open.ts'
import { inserter, recount } from './rows.ts'
import { readDamaged, type DamagedOutbox } from './salvage.ts'
import { firstLink, Seals } from './seal.ts'
import { withStorageErrors } from './storage-errors.ts'

export interface Recovery {
  /** ISO 8601. */
  at: string
  /** Folder that holds the damaged files, unchanged. */
  setAside: string
  /** Registrations in the new outbox that can be read, with their keys and states. */
  salvaged: number
  /** Sequence numbers up to the highest known that could not be read. */
  lost: number
}

/**
 * The way out of a corrupt outbox: keeps a copy of all its files as they are, then puts a new outbox in their place, of a
 * new epoch, that holds every row that can still be read. Keys are kept, so sending a recovered row again cannot register
 * it twice.
 *
 *   copy aside -> build the new file elsewhere -> `outbox.db.recovered`, whole and synced -> swap
 *
 * Until the swap nothing of the old outbox is touched, and a swap that was cut short is finished by the next opening: a
 * crash at any point leaves either the damaged outbox or the new one, never a fresh start.
 *
 * Throws `outbox-locked` while an agent runs, `outbox-missing` where there is no outbox, `outbox-key-…`, `disk-full`.
 */
export function recoverOutbox(
  dataFolder: string,
  clock: Clock,
  keys: KeyPlace = keyPlace(dataFolder, undefined),
): Recovery {
  const path = outboxPath(dataFolder)
  finishSwap(dataFolder)
  if (outboxFiles(dataFolder).length === 0) {
    throw new AppError('outbox-missing', `there is no outbox in ${dataFolder}`)
  }
  refuseIfHeld(dataFolder)
  return withStorageErrors(path, () => {
    const recovery = build(dataFolder, clock, keys)
    finishSwap(dataFolder)
    return recovery
  })
}

/** Brings an outbox that was recovered to its place, if one waits for that. */
export function finishSwap(dataFolder: string): void {
  const path = outboxPath(dataFolder)
  if (!existsSync(readyPath(path))) return
  // A write-ahead log of the old file beside the new one would be replayed into it.
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
  const mark = `${readyPath(path)}-mark`
  if (existsSync(mark)) renameSync(mark, `${path}-mark`)
  renameSync(readyPath(path), path)
  dropBornMarker(path)
  dropDamageReport(path)
  syncFolder(dataFolder)
}

function readyPath(path: string): string {
  return `${path}.recovered`
}

function build(dataFolder: string, clock: Clock, keys: KeyPlace): Recovery {
  const path = outboxPath(dataFolder)
  const at = clock.now()
  const setAside = join(dataFolder, `outbox-set-aside-${at.replaceAll(':', '-')}`)
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

  const freshPath = join(work.folder, 'fresh.db')
  const recovery = { at, setAside, salvaged: 0, lost: 0 }
  const fresh = openHeld(freshPath)
  const damaged = openToSalvage(join(copies, basename(path)))
  try {
    const source = readDamaged(damaged, readMark(path))
    const keyring = keysFor(source, keys, at)
    fresh.transaction(() => {
      const epoch = giveBirth(fresh, keyring, clock)
      const insert = inserter(fresh)
      let link: Uint8Array = firstLink(epoch)
      const seals = new Seals(keyring, epoch)
      for (const row of source.rows(keyring, seals, importedRememberer(fresh, seals))) {
        const linked = row(link)
        try {
          insert(linked)
        } catch (error) {
          // A value that damage has made impossible costs its row alone.
          const isImpossible = nativeCode(error)?.startsWith('SQLITE_CONSTRAINT') === true
          // So does a row whose columns have lost their names with the schema.
          if (isImpossible || error instanceof RangeError) continue
          throw error
        }
        link = linked.link
        recovery.salvaged += 1
      }
      const highestSeq = source.highestSeq()
      recount(fresh, highestSeq, source.removed)
      fresh.exec('UPDATE outbox SET filed_through = seq_floor')
      const counts = fresh.prepare('SELECT lost FROM outbox').pluck().get() as number
      recovery.lost = Math.max(0, counts - source.lostBefore)
      source.copyHistory(fresh)
      fresh
        .prepare('INSERT INTO recoveries (at, set_aside, salvaged, lost) VALUES (?, ?, ?, ?)')
        .run(at, basename(setAside), recovery.salvaged, recovery.lost)
      using mark = new MarkFile(readyPath(path), epoch)
      mark.settle(highestSeq)
    })()
  } finally {
    damaged?.close()
    // Closing brings everything from the write-ahead log into the file.
    fresh.close()
  }
  renameSync(freshPath, readyPath(path))
  syncFolder(dataFolder)
  return recovery
}

/** New keys only for an outbox that cannot have been sealed with any. */
function keysFor(source: DamagedOutbox, keys: KeyPlace, now: string): Keyring {
  const found = readKeyring(keys)
  if (found !== undefined) return found
  if (source.isSealed) throw new AppError('outbox-key-missing', `${keys.path} is not there`)
  return createKeyring(keys, now)
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
