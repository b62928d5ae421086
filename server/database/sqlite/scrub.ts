import { open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { AppError, nativeCode } from '../../../shared/errors.ts'
import type { Db, Tx } from '../schema.ts'

// A server that writes all the time still leaves pauses of milliseconds.
const askAgainMs = 20

const sampleLength = 48
const sampleEvery = 512
const blockBytes = 1024 * 1024

// Kept in user_version, which is part of every transaction and nobody else's: nothing is owed; the last erasure has
// not been cleaned up after yet; nor has one before it, whose texts nobody knows any more.
const owed = { nothing: 0, last: 1, more: 2 }

async function owing(db: Db): Promise<number> {
  const { rows } = await sql<{ user_version: number }>`pragma user_version`.execute(db)
  return rows[0]?.user_version ?? owed.nothing
}

/** In the transaction that erases: until `scrub` has been through, it is owed. */
export async function oweScrub(tx: Tx): Promise<void> {
  const state = (await owing(tx)) === owed.nothing ? owed.last : owed.more
  await sql`pragma user_version = ${sql.lit(state)}`.execute(tx)
}

/**
 * Makes sure that no copy of these texts, which were overwritten or removed, is left in the database at `path`.
 *
 * secure_delete has put zeros in their place, but the old pages are still in the -wal file until a checkpoint empties
 * it, and SQLite leaves copies behind in pages whose rows it has moved to others. Where such a copy is found, the whole
 * file is written anew, and so it is where an earlier time did not get through: nobody knows its texts any more.
 *
 * Throws `database-unavailable` when another program keeps the files busy for 10 s: the texts may still be there.
 */
export async function scrub(db: Db, path: string, texts: string[], patienceMs = 10_000): Promise<void> {
  const state = await owing(db)
  if (texts.length === 0 && state === owed.nothing) return
  await emptyWal(db, patienceMs)
  if (texts.length === 0 || state === owed.more || (await holdsAny(path, texts))) {
    // Busy in between changes nothing: either it is written anew as a whole, or not at all.
    await patiently(() => sql`vacuum`.execute(db).then(() => true), patienceMs)
    await emptyWal(db, patienceMs)
  }
  const settled = sql`pragma user_version = ${sql.lit(owed.nothing)}`
  await patiently(() => settled.execute(db).then(() => true), patienceMs)
}

async function emptyWal(db: Db, patienceMs: number): Promise<void> {
  await patiently(async () => {
    const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(db)
    return rows[0]?.busy === 0
  }, patienceMs)
}

async function patiently(work: () => Promise<boolean>, patienceMs: number): Promise<void> {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    const done = await work().catch((error: unknown) => {
      if (nativeCode(error) !== 'SQLITE_BUSY') throw error
      return false
    })
    if (done) return
    if (performance.now() >= giveUpAt) {
      throw new AppError('database-unavailable', 'another program keeps the database files busy')
    }
    await delay(askAgainMs)
  }
}

/** Whether a piece of one of the texts is in the file. */
async function holdsAny(path: string, texts: string[]): Promise<boolean> {
  const samples = texts.flatMap(samplesOf)
  if (samples.length === 0) return false
  await using file = await open(path)
  const block = Buffer.alloc(blockBytes)
  // Blocks overlap, so that a sample across two of them is seen.
  for (let position = 0; ; position += blockBytes - sampleLength) {
    const { bytesRead } = await file.read(block, 0, blockBytes, position)
    const found = block.subarray(0, bytesRead)
    if (samples.some((sample) => found.includes(sample, 0, 'latin1'))) return true
    if (bytesRead < blockBytes) return false
  }
}

/** Sealed texts and keyed hashes: each of their pieces is found nowhere else. */
function samplesOf(text: string): string[] {
  const starts = Array.from({ length: Math.ceil(text.length / sampleEvery) }, (_, n) => n * sampleEvery)
  return starts.map((start) => text.slice(start, start + sampleLength)).filter(({ length }) => length >= 24)
}
