import { setImmediate as nextTurn } from 'node:timers/promises'
import { sql } from 'kysely'
import { AppError } from '../../../shared/errors.ts'
import { openDirectWay } from '../direct.ts'
import type { Db, Tx } from '../schema.ts'
import { takeTrailing } from '../trailing.ts'

/** An urgent work goes ahead of all who wait, however many: only for asking whether the database works. */
export type UrgentTransact = <T>(work: (tx: Tx) => Promise<T>, isUrgent?: boolean) => Promise<T>

interface Waiting {
  /** Does the work and answers how to tell its caller so. */
  run: (tx: Tx) => Promise<() => void>
  reject: (reason: unknown) => void
}

// Enough to spread the cost of a flush thin, few enough to keep the event loop turning.
const maxBatch = 64

// What is worked off in about a second: whoever would wait longer is told to come back.
const maxWaiting = 1_000

/**
 * One writer, one flush for all who wait: SQLite takes one transaction at a time and a commit costs a trip to
 * the disk, so works that arrive together share a commit.
 *
 * Works run one after the other, each in a savepoint: one that throws undoes itself alone. Nobody hears of
 * success before the common commit, and when that fails everybody hears of it.
 */
export function groupCommit(db: Db): UrgentTransact {
  const queue: Waiting[] = []
  let running = false

  const drain = async (): Promise<void> => {
    running = true
    while (queue.length > 0) {
      // Requests that the event loop already holds get on this batch.
      await nextTurn()
      try {
        await commitTogether(db, queue.splice(0, maxBatch))
      } catch (error) {
        // The batch waited long enough to begin: those behind must not wait that long once more.
        for (const { reject } of queue.splice(0)) reject(error)
      }
    }
    running = false
  }

  return (work, isUrgent = false) =>
    new Promise((resolve, reject) => {
      if (!isUrgent && queue.length >= maxWaiting) {
        throw new AppError('database-unavailable', 'more work waits than the database can take')
      }
      const run = async (tx: Tx): Promise<() => void> => {
        const value = await work(tx)
        for (const query of takeTrailing(tx)) await tx.executeQuery(query)
        return () => {
          resolve(value)
        }
      }
      if (isUrgent) queue.unshift({ run, reject })
      else queue.push({ run, reject })
      if (!running) void drain()
    })
}

/** Throws, and has told the batch, when the transaction could not even begin. */
async function commitTogether(db: Db, batch: Waiting[]): Promise<void> {
  const settle: (() => void)[] = []
  const transaction = { begun: false }
  try {
    await db.transaction().execute(async (tx) => {
      transaction.begun = true
      using _direct = openDirectWay(tx, await tx.getExecutor().provideConnection((it) => Promise.resolve(it)))
      for (const { run, reject } of batch) {
        await sql`savepoint work`.execute(tx)
        try {
          settle.push(await run(tx))
        } catch (error) {
          takeTrailing(tx)
          await sql`rollback to work`.execute(tx).catch(() => {
            // After some disk errors SQLite has rolled everything back: all of the batch hears of that one.
            throw error
          })
          settle.push(() => {
            reject(error)
          })
        }
        await sql`release work`.execute(tx)
      }
    })
  } catch (error) {
    for (const { reject } of batch) reject(error)
    if (transaction.begun) return
    throw error
  }
  for (const tell of settle) tell()
}
