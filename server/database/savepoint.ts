import { CompiledQuery } from 'kysely'
import { AppError } from '../../shared/errors.ts'
import { runDirectly } from './direct.ts'
import { isPassing, postgresFault } from './postgres/faults.ts'
import type { Tx } from './schema.ts'
import { storageFault } from './sqlite/connect.ts'
import { together } from './together.ts'
import { takeTrailing } from './trailing.ts'

const begin = CompiledQuery.raw('savepoint item')
const release = CompiledQuery.raw('release savepoint item')
const rollback = CompiledQuery.raw('rollback to savepoint item')

/**
 * Runs `work` so that it can be undone alone, what it leaves for the end included. Answers what it threw where the
 * fault is its own; throws where the transaction as a whole cannot go on.
 */
export async function savepoint<T>(
  tx: Tx,
  work: () => Promise<T>,
): Promise<{ value: T } | { undone: unknown }> {
  const begun = runDirectly(tx, begin)
  begun.catch(() => undefined)
  try {
    const value = await work()
    await begun
    await together(...takeTrailing(tx).map((query) => runDirectly(tx, query)))
    await runDirectly(tx, release)
    return { value }
  } catch (error) {
    takeTrailing(tx)
    if (isPassing(error) || isOfDatabase(error)) throw error
    await runDirectly(tx, rollback).catch(() => {
      throw error
    })
    return { undone: error }
  }
}

/** The next work would fail as well. */
function isOfDatabase(error: unknown): boolean {
  return [error, postgresFault(error), storageFault(error, '')].some((fault) => fault instanceof AppError)
}
