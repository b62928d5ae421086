import { join } from 'node:path'
import { Kysely, PostgresDialect } from 'kysely'
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import { tellCommits } from './after-commit.ts'
import { hasPending, migrate } from './migrate.ts'
import { createPool } from './postgres/connect.ts'
import { postgresFault } from './postgres/faults.ts'
import { postgresTransactions } from './postgres/transactions.ts'
import type { Db, Engine, Schema, Transact, Tx } from './schema.ts'
import { hasSqlite, holdDataFolder, makeDataFolder, openSqlite, storageFault } from './sqlite/connect.ts'
import { ServerSqliteDialect } from './sqlite/dialect.ts'
import { groupCommit } from './sqlite/group-commit.ts'
import { scrub } from './sqlite/scrub.ts'

export interface Database extends AsyncDisposable {
  readonly db: Db
  readonly engine: Engine
  /** Migrations that ran while opening. */
  readonly migrated: string[]
  readonly transact: Transact
  /** Statements outside any transaction: for single reads. */
  readonly query: <T>(work: (db: Db) => Promise<T>) => Promise<T>
  /**
   * To be called after a transaction that erased these sealed texts and keyed hashes: sees to it that no copy of them
   * is left in the files of the embedded database. PostgreSQL keeps dead rows until it uses their place again.
   *
   * Throws `database-unavailable` when it could not.
   */
  scrub(texts: string[] | 'unknown'): Promise<void>
  /** A real write; throws when the database takes none. */
  probe(): Promise<void>
}

export interface DatabasePlace {
  /** Folder of the embedded database, and of everything else the server keeps. */
  folder: string
  /** PostgreSQL instead of the embedded database. */
  url: string | undefined
}

/** A server has the embedded database for itself; an admin command works beside it; a look changes nothing. */
export type Access = 'server' | 'command' | 'look'

/**
 * Opens the database and brings it to the newest schema; a look leaves it as it is, and needs one to be there.
 *
 * Throws `database-locked`, `database-corrupt`, `database-not-durable`, `database-too-new`, `database-refused`,
 * `database-unavailable`, `data-folder-unusable`, `disk-full` or `storage-failed`.
 */
export async function openDatabase(
  { folder, url }: DatabasePlace,
  clock: Clock,
  access: Access = 'server',
  log?: Log,
): Promise<Database> {
  if (access !== 'look') makeDataFolder(folder)
  return url === undefined ? openEmbedded(folder, clock, access) : openPostgres(url, clock, access, log)
}

async function openEmbedded(folder: string, clock: Clock, access: Access): Promise<Database> {
  await using stack = new AsyncDisposableStack()
  using opening = new DisposableStack()
  let held = false
  // Nobody creates the database, or changes its schema, under a running server.
  const hold = (): void => {
    if (held) return
    const lock = holdDataFolder(folder)
    if (access === 'server') stack.use(lock)
    else opening.use(lock)
    held = true
  }
  if (access === 'server' || !hasSqlite(folder)) hold()
  const file = openSqlite(folder)
  stack.defer(() => void file.close())
  const db = new Kysely<Schema>({ dialect: new ServerSqliteDialect(file) })
  stack.defer(() => db.destroy())
  const fault = (error: unknown): unknown => storageFault(error, join(folder, 'server.db'))
  try {
    const pending = access !== 'look' && (await hasPending(db, 'sqlite'))
    if (pending) hold()
    const migrated = pending ? await migrate(db, 'sqlite') : []
    const clean = (texts: string[] | 'unknown'): Promise<void> => scrub(db, join(folder, 'server.db'), texts)
    const commit = groupCommit(db)
    return opened({ db, engine: 'sqlite', migrated, commit, clean, fault, clock }, stack.move())
  } catch (error) {
    throw fault(error)
  }
}

async function openPostgres(
  url: string,
  clock: Clock,
  access: Access,
  log: Log | undefined,
): Promise<Database> {
  await using stack = new AsyncDisposableStack()
  const pool = stack.use(createPool(url, 'statements'))
  const writing = stack.use(
    createPool(url, 'transactions', (news) => {
      if (news === 'lost') log?.error('connections to the database were lost')
      else log?.info('the database can be reached again')
    }),
  )
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
  try {
    const pending = access !== 'look' && (await hasPending(db, 'postgres'))
    const migrated = pending ? await migratePostgres(url) : []
    const commit = postgresTransactions(writing)
    const clean = (): Promise<void> => Promise.resolve()
    const fault = postgresFault
    return opened({ db, engine: 'postgres', migrated, commit, clean, fault, clock }, stack.move())
  } catch (error) {
    throw postgresFault(error)
  }
}

async function migratePostgres(url: string): Promise<string[]> {
  await using pool = createPool(url, 'migrations')
  return await migrate(new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) }), 'postgres')
}

interface Opened {
  db: Db
  engine: Engine
  migrated: string[]
  commit: Transact
  clean: Database['scrub']
  /** What the engine threw, as a failure of ours where it is one. */
  fault: (error: unknown) => unknown
  clock: Clock
}

function opened(
  { db, engine, migrated, commit, clean, fault, clock }: Opened,
  stack: AsyncDisposableStack,
): Database {
  const explained = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw fault(error)
    }
  }
  const transact = tellCommits((work) => explained(commit(work)))
  return {
    db,
    engine,
    migrated,
    transact,
    query: (work) => explained(work(db)),
    scrub: (texts) => explained(clean(texts)),
    probe: () => transact((tx) => beat(tx, clock.now())),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function beat(tx: Tx, at: string): Promise<void> {
  await tx
    .insertInto('heartbeat')
    .values({ id: 1, beat_at: at })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ beat_at: at }))
    .execute()
}
