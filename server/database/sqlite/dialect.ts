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

/** A transaction that reads first and writes later fails when another program wrote in between; this one waits. */
class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
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
