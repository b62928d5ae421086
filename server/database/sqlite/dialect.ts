import { setTimeout as delay } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely'
import { AppError, nativeCode } from '../../../shared/errors.ts'
import type { SqliteFile } from './connect.ts'

/** Kysely's SQLite dialect with what this server needs: prepared statements and writers that queue. */
export class ServerSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig
  readonly #transaction: OpenTransaction

  constructor(file: SqliteFile) {
    const transaction = new OpenTransaction(file)
    const config = { database: withPreparedStatements(file, transaction) }
    super(config)
    this.#config = config
    this.#transaction = transaction
  }

  override createDriver(): Driver {
    return new ImmediateDriver(this.#config, this.#transaction)
  }

  override createAdapter(): SqliteAdapter {
    return new AtomicDdlAdapter()
  }
}

// Admin commands write for milliseconds; a tool that locks the file for longer is told apart from a dead disk.
const patienceMs = 10_000
const askAgainMs = 10

/**
 * A transaction that reads first and writes later fails when another program wrote in between; this one waits for
 * its turn at the beginning, without holding up the event loop.
 */
class ImmediateDriver extends SqliteDriver {
  readonly #transaction: OpenTransaction

  constructor(config: SqliteDialectConfig, transaction: OpenTransaction) {
    super(config)
    this.#transaction = transaction
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const giveUpAt = performance.now() + patienceMs
    for (;;) {
      try {
        await connection.executeQuery(CompiledQuery.raw('begin immediate'))
        this.#transaction.isOpen = true
        return
      } catch (cause) {
        if (nativeCode(cause) !== 'SQLITE_BUSY') throw cause
        if (performance.now() >= giveUpAt) {
          throw new AppError('database-unavailable', 'another program keeps the database locked', { cause })
        }
      }
      await delay(askAgainMs)
    }
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await super.commitTransaction(connection)
    this.#transaction.isOpen = false
  }

  /** After some disk errors (a full disk is one) SQLite has done it already; what counts is why. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    this.#transaction.isOpen = false
    try {
      await super.rollbackTransaction(connection)
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('no transaction is active'))) throw error
    }
  }
}

/** SQLite changes schemas in transactions, which Kysely does not use by itself: a killed migration leaves nothing. */
class AtomicDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/**
 * After some disk errors (a full disk is one) SQLite undoes a whole transaction by itself. Whatever the same work still had
 * under way would then be committed, each statement by itself: it is refused.
 */
class OpenTransaction {
  isOpen = false
  readonly #file: SqliteFile

  constructor(file: SqliteFile) {
    this.#file = file
  }

  refuseIfUndone(): void {
    if (this.isOpen && !this.#file.inTransaction)
      throw new AppError('storage-failed', 'SQLite has undone the transaction')
  }
}

// The server's queries are a few dozen texts; the cap is for what a future caller may build.
const maxPrepared = 500

function withPreparedStatements(file: SqliteFile, transaction: OpenTransaction): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>()
  return {
    close: () => {
      file.close()
    },
    prepare(sql) {
      transaction.refuseIfUndone()
      const known = prepared.get(sql)
      if (known !== undefined) return known
      const statement = file.prepare(sql)
      if (prepared.size < maxPrepared) prepared.set(sql, statement)
      return statement
    },
  }
}
