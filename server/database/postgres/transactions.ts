import { setTimeout as delay } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresDialect,
  PostgresDriver,
  type PostgresPool,
  Transaction,
} from 'kysely'
import { openDirectWay } from '../direct.ts'
import type { Schema, Transact, Tx } from '../schema.ts'
import { together } from '../together.ts'
import { takeTrailing } from '../trailing.ts'
import { isPassing } from './faults.ts'

const maxTries = 5

// READ COMMITTED whatever the database's default is: a read behind a lock has to see what the holder wrote.
const begin = CompiledQuery.raw('begin isolation level read committed read write')

/**
 * Each work in a transaction of its own, done again when PostgreSQL had to end it for another's sake.
 *
 * Unlike in Kysely's own transactions no statement waits for the answer to the one before: what a work asks for
 * together travels together, and `begin` with the first of it. Should `begin` fail (somebody cancels it), the statements
 * behind it would each run, and commit, alone: therefore connections for transactions are read-only until a `begin`
 * says otherwise, and PostgreSQL itself refuses such a write.
 */
export function postgresTransactions(pool: PostgresPool): Transact {
  const dialect = new PostgresDialect({ pool })
  const driver: Driver = new PostgresDriver({ pool })
  const ready = driver.init()
  const pooled = new Kysely<Schema>({ dialect }).getExecutor()

  const inTransaction = async <T>(
    connection: DatabaseConnection,
    work: (tx: Tx) => Promise<T>,
  ): Promise<T> => {
    let over = false
    const end = (): void => {
      over = true
      direct[Symbol.dispose]()
    }
    const executor = pooled.withConnectionProvider({
      async provideConnection(consumer) {
        // Sent now, it would run outside this transaction, or inside the next one.
        if (over) throw new Error('a statement came after the end of its transaction')
        return consumer(connection)
      },
    })
    const tx = new Transaction<Schema>({ config: { dialect }, dialect, driver, executor })
    const direct = openDirectWay(tx, connection)
    const begun = connection.executeQuery(begin)
    begun.catch(() => undefined)
    try {
      const value = await work(tx)
      end()
      const trailing = takeTrailing(tx).map((query) => connection.executeQuery(query))
      // After a failure PostgreSQL takes the commit for a rollback.
      await together(begun, ...trailing, driver.commitTransaction(connection))
      return value
    } catch (error) {
      end()
      // Where this fails the connection is given up; what is told is why the work failed.
      await driver.rollbackTransaction(connection).catch(() => undefined)
      throw error
    }
  }

  return async (work) => {
    await ready
    for (let tries = 1; ; tries += 1) {
      const connection = await driver.acquireConnection()
      try {
        return await inTransaction(connection, work)
      } catch (error) {
        if (!isPassing(error) || tries === maxTries) throw error
      } finally {
        await driver.releaseConnection(connection)
      }
      // Not at once: the same works would meet again.
      await delay(Math.random() * 20 * tries)
    }
  }
}
