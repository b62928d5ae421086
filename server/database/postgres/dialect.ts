import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  PostgresDialect,
  PostgresDriver,
  type PostgresPool,
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

/** Sends `begin` together with the first statement: connections are pipelined, so neither waits for the other. */
class EagerDriver extends PostgresDriver {
  override beginTransaction(connection: DatabaseConnection): Promise<void> {
    // Fails only with the connection, and then the statement behind it fails as well.
    connection.executeQuery(CompiledQuery.raw('begin')).catch(() => undefined)
    return Promise.resolve()
  }
}
