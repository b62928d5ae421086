import { join } from 'node:path'
import { Kysely } from 'kysely'
import type { Clock } from '../../shared/clock.ts'
import { holdDataFolder, makeDataFolder, openSqlite, storageFault } from './connect.ts'
import { groupCommit, type Transact } from './group-commit.ts'
import { migrate } from './migrate.ts'
import { ServerSqliteDialect } from './sqlite-dialect.ts'
import type { Db, Engine, Schema, Tx } from './schema.ts'

export interface Database extends AsyncDisposable {
  readonly db: Db
  readonly engine: Engine
  /** Migrations that ran while opening. */
  readonly migrated: string[]
  readonly transact: Transact
  /** A real write; throws when the database takes none. */
  probe(): Promise<void>
}

/**
 * Claims the data folder, opens its database and brings it to the newest schema.
 *
 * Throws `database-locked`, `database-corrupt`, `database-not-durable`, `database-too-new`,
 * `data-folder-unusable`, `disk-full` or `storage-failed`.
 */
export async function openDatabase(folder: string, clock: Clock): Promise<Database> {
  makeDataFolder(folder)
  await using stack = new AsyncDisposableStack()
  stack.use(holdDataFolder(folder))
  const file = openSqlite(folder)
  stack.defer(() => void file.close())
  const db = new Kysely<Schema>({ dialect: new ServerSqliteDialect(file) })
  stack.defer(() => db.destroy())

  const migrated = await migrate(db, 'sqlite').catch((error: unknown) => {
    throw storageFault(error, join(folder, 'server.db'))
  })
  const transact = groupCommit(db)
  const opened = stack.move()
  return {
    db,
    engine: 'sqlite',
    migrated,
    transact,
    probe: () => transact((tx) => beat(tx, clock.now())),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

async function beat(tx: Tx, at: string): Promise<void> {
  await tx
    .insertInto('heartbeat')
    .values({ id: 1, beat_at: at })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ beat_at: at }))
    .execute()
}
