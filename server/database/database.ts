import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { hasPending, migrate } from './migrate.ts'
import { createPool, postgresFault } from './postgres/connect.ts'
import { ServerPostgresDialect } from './postgres/dialect.ts'
import { retryConflicts } from './postgres/retry-conflicts.ts'
import type { Db, Engine, Schema, Transact, Tx } from './schema.ts'
import { holdDataFolder, makeDataFolder, openSqlite, storageFault } from './sqlite/connect.ts'
import { ServerSqliteDialect } from './sqlite/dialect.ts'
import { groupCommit } from './sqlite/group-commit.ts'

export interface Database extends AsyncDisposable {
  readonly db: Db
  readonly engine: Engine
  /** Migrations that ran while opening. */
  readonly migrated: string[]
  readonly transact: Transact
  /** Statements outside any transaction: for single reads. */
  readonly query: <T>(work: (db: Db) => Promise<T>) => Promise<T>
  /** A real write; throws when the database takes none. */
  probe(): Promise<void>
}

export interface DatabasePlace {
  /** Folder of the embedded database, and of everything else the server keeps. */
  folder: string
  /** PostgreSQL instead of the embedded database. */
  url: string | undefined
}

/** A server has the embedded database for itself; an admin command works beside it. */
export type Access = 'server' | 'command'

/**
 * Opens the database and brings it to the newest schema.
 *
 * Throws `database-locked`, `database-corrupt`, `database-not-durable`, `database-too-new`, `database-refused`,
 * `database-unavailable`, `data-folder-unusable`, `disk-full` or `storage-failed`.
 */
export async function openDatabase(
  { folder, url }: DatabasePlace,
  clock: Clock,
  access: Access = 'server',
): Promise<Database> {
  makeDataFolder(folder)
  return url === undefined ? openEmbedded(folder, clock, access) : openPostgres(url, clock)
}

async function openEmbedded(folder: string, clock: Clock, access: Access): Promise<Database> {
  await using stack = new AsyncDisposableStack()
  if (access === 'server') stack.use(holdDataFolder(folder))
  const file = openSqlite(folder)
  stack.defer(() => void file.close())
  const db = new Kysely<Schema>({ dialect: new ServerSqliteDialect(file) })
  stack.defer(() => db.destroy())
  try {
    // The schema never changes under a running server.
    using _alone = access === 'command' && (await hasPending(db)) ? holdDataFolder(folder) : undefined
    const migrated = await migrate(db, 'sqlite')
    return opened(db, 'sqlite', migrated, groupCommit(db), clock, stack.move())
  } catch (error) {
    throw storageFault(error, join(folder, 'server.db'))
  }
}

async function openPostgres(url: string, clock: Clock): Promise<Database> {
  await using stack = new AsyncDisposableStack()
  const pool = stack.use(createPool(url, () => undefined))
  const db = new Kysely<Schema>({ dialect: new ServerPostgresDialect(pool) })
  stack.defer(() => db.destroy())
  try {
    await refuseLossy(db)
    const migrated = await migrate(db, 'postgres')
    return opened(db, 'postgres', migrated, retryConflicts(db), clock, stack.move())
  } catch (error) {
    throw postgresFault(error)
  }
}

function opened(
  db: Db,
  engine: Engine,
  migrated: string[],
  transact: Transact,
  clock: Clock,
  stack: AsyncDisposableStack,
): Database {
  return {
    db,
    engine,
    migrated,
    transact,
    query: async (work) => {
      try {
        return await work(db)
      } catch (error) {
        throw engine === 'postgres' ? postgresFault(error) : error
      }
    },
    probe: () => transact((tx) => beat(tx, clock.now())),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Throws `database-not-durable` where a commit does not survive a power cut. */
async function refuseLossy(db: Db): Promise<void> {
  const { rows } = await sql<{ name: string; setting: string }>`
    select name, setting from pg_settings where name in ('fsync', 'synchronous_commit')`.execute(db)
  const off = rows.filter(({ setting }) => setting === 'off').map(({ name }) => name)
  if (off.length > 0) {
    throw new AppError('database-not-durable', `PostgreSQL runs with ${off.join(' and ')} off`)
  }
}

async function beat(tx: Tx, at: string): Promise<void> {
  await tx
    .insertInto('heartbeat')
    .values({ id: 1, beat_at: at })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ beat_at: at }))
    .execute()
}
