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

/** Kysely's SQLite dialect with what this server needs: prepared statements and writers that queue. */
export class ServerSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig

  constructor(file: SqliteDatabase) {
    const config = { database: withPreparedStatements(file) }
    super(config)
    this.#config = config
  }

  override createDriver(): Driver {
    return new ImmediateDriver(this.#config)
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
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const giveUpAt = performance.now() + patienceMs
    for (;;) {
      try {
        await connection.executeQuery(CompiledQuery.raw('begin immediate'))
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

  /** After some disk errors (a full disk is one) SQLite has done it already; what counts is why. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
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

// The server's queries are a few dozen texts; the cap is for what a future caller may build.
const maxPrepared = 500

function withPreparedStatements(file: SqliteDatabase): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>()
  return {
    close: () => {
      file.close()
    },
    prepare(sql) {
      const known = prepared.get(sql)
      if (known !== undefined) return known
      const statement = file.prepare(sql)
      if (prepared.size < maxPrepared) prepared.set(sql, statement)
      return statement
    },
  }
}
