import { Migrator } from 'kysely/migration'
import { AppError } from '../../shared/errors.ts'
import { initial } from './migrations/0001-initial.ts'
import type { Db, Engine } from './schema.ts'

/** In code, not found by a folder scan: the same list runs from source, from `dist` and on every engine. */
const migrations = (engine: Engine) => ({
  '0001-initial': initial(engine),
})

/**
 * Brings the database to the newest schema in one transaction and answers the names of the migrations that ran.
 *
 * Throws `database-too-new` when a newer program has already been there; anything else as the engine threw it.
 */
export async function migrate(db: Db, engine: Engine): Promise<string[]> {
  const known = migrations(engine)
  await refuseNewer(db, Object.keys(known))
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(known) } })
  const { error, results } = await migrator.migrateToLatest()
  if (error !== undefined) throw asError(error)
  return (results ?? []).map(({ migrationName }) => migrationName)
}

async function refuseNewer(db: Db, known: string[]): Promise<void> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(({ name }) => name === 'kysely_migration')) return
  const done = await db
    .$extendTables<{ kysely_migration: { name: string } }>()
    .selectFrom('kysely_migration')
    .select('name')
    .execute()
  const foreign = done.map(({ name }) => name).filter((name) => !known.includes(name))
  if (foreign.length > 0) {
    throw new AppError(
      'database-too-new',
      `the database has migrations this version does not know: ${foreign.join(', ')}`,
    )
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
