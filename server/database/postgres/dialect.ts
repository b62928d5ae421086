import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  PostgresDialect,
  PostgresDriver,
  type PostgresPool,
  type TransactionSettings,
} from 'kysely'

/** Kysely's PostgreSQL dialect, with transactions that save a round trip. */
export class ServerPostgresDialect extends PostgresDialect {
  readonly #pool: PostgresPool

  constructor(pool: PostgresPool) {
    super({ pool })
    this.#pool = pool
  }

  override createDriver(): Driver {
    return new EagerDriver({ pool: this.#pool })
  }
}

// READ COMMITTED whatever the database's default is: a read behind a lock has to see what the holder wrote.
const begin = CompiledQuery.raw('begin isolation level read committed read write')

/**
 * Sends `begin` together with the first statement: connections are pipelined, so neither waits for the other.
 *
 * Should `begin` fail (somebody cancels it), the statements behind it would each run, and commit, alone. So would one
 * that a work sends after its transaction has ended. Therefore connections for transactions are read-only until a
 * `begin` says otherwise: PostgreSQL itself refuses such a write.
 */
class EagerDriver extends PostgresDriver {
  readonly #begun = new WeakMap<DatabaseConnection, Promise<unknown>>()

  override async beginTransaction(
    connection: DatabaseConnection,
    settings: TransactionSettings,
  ): Promise<void> {
    if (settings.isolationLevel !== undefined || settings.accessMode !== undefined) {
      throw new Error('transactions are READ COMMITTED, whatever is asked for')
    }
    const begun = connection.executeQuery(begin)
    begun.catch(() => undefined)
    this.#begun.set(connection, begun)
    return Promise.resolve()
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#begun.get(connection)
    await super.commitTransaction(connection)
  }
}
