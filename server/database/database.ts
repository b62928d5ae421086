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
import { oweScrub, scrub } from './sqlite/scrub.ts'

export interface Database extends AsyncDisposable {
  readonly db: Db
  readonly engine: Engine
  /** Migrations that ran while opening. */
  readonly migrated: string[]
  readonly transact: Transact
  /** Statements outside any transaction: for single reads. */
  readonly query: <T>(work: (db: Db) => Promise<T>) => Promise<T>
  /** To be called in a transaction that erases: `scrub` is owed from then on, also after a crash. */
  oweScrub(tx: Tx): Promise<void>
  /**
   * To be called after a transaction that erased these sealed texts and keyed hashes, or that found nothing left to
   * erase: sees to it that no copy of what was erased is left in the files of the embedded database. PostgreSQL keeps
   * dead rows until it uses their place again.
   *
   * Throws `database-unavailable` when it could not.
   */
  scrub(texts: string[]): Promise<void>
  /** A real write, ahead of all others; throws when the database takes none. */
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
    const owe = (tx: Tx): Promise<void> => oweScrub(tx)
    const clean = (texts: string[]): Promise<void> => scrub(db, join(folder, 'server.db'), texts)
    const commit = groupCommit(db)
    const probe = (): Promise<void> => commit((tx) => beat(tx, clock.now()), true)
    return opened({ db, engine: 'sqlite', migrated, commit, owe, clean, fault, probe }, stack.move())
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
  // Of its own: that many wait for the others does not mean that the database is gone.
  const probing = new Kysely<Schema>({
    dialect: new PostgresDialect({ pool: stack.use(createPool(url, 'probe')) }),
  })
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
  try {
    const pending = access !== 'look' && (await hasPending(db, 'postgres'))
    const migrated = pending ? await migratePostgres(url) : []
    const commit = postgresTransactions(writing)
    const owe = (): Promise<void> => Promise.resolve()
    const clean = (): Promise<void> => Promise.resolve()
    const fault = postgresFault
    const probe = (): Promise<void> => beat(probing, clock.now())
    return opened({ db, engine: 'postgres', migrated, commit, owe, clean, fault, probe }, stack.move())
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
  owe: Database['oweScrub']
  clean: Database['scrub']
  /** What the engine threw, as a failure of ours where it is one. */
  fault: (error: unknown) => unknown
  probe: Database['probe']
}

function opened(
  { db, engine, migrated, commit, owe, clean, fault, probe }: Opened,
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
    oweScrub: owe,
    scrub: (texts) => explained(clean(texts)),
    probe: () => explained(probe()),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function beat(db: Db, at: string): Promise<void> {
  await db
    .insertInto('heartbeat')
    .values({ id: 1, beat_at: at })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ beat_at: at }))
    .execute()
}
