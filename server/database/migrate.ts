import { Migrator } from 'kysely/migration'
import { AppError } from '../../shared/errors.ts'
import { lock } from './locks.ts'
import { clients } from './migrations/0001-clients.ts'
import { platform } from './migrations/0002-platform.ts'
import { audit } from './migrations/0003-audit.ts'
import { mail } from './migrations/0004-mail.ts'
import type { Db, Engine } from './schema.ts'

/** In code, not found by a folder scan: the same list runs from source, from `dist` and on every engine. */
const migrations = (engine: Engine) => ({
  '0001-clients': clients(engine),
  '0002-platform': platform(engine),
  '0003-audit': audit(engine),
  '0004-mail': mail(engine),
})

/**
 * Brings the database to the newest schema in one transaction and answers the names of the migrations that ran.
 * Of several instances that start together one does it; the others wait and find it done.
 *
 * Throws `database-too-new` when a newer program has already been there; anything else as the engine threw it.
 */
export async function migrate(db: Db, engine: Engine): Promise<string[]> {
  return db.transaction().execute(async (tx) => {
    await lock(tx, ['migrations'])
    await refuseNewer(tx)
    const migrator = new Migrator({
      db: tx,
      provider: { getMigrations: () => Promise.resolve(migrations(engine)) },
    })
    const { error, results } = await migrator.migrateToLatest()
    if (error !== undefined) throw asError(error)
    return (results ?? []).map(({ migrationName }) => migrationName)
  })
}

/** In the order they run, on every engine. */
export const migrationNames = Object.keys(migrations('sqlite'))

/** Whether `migrate` would change the schema. */
export async function hasPending(db: Db): Promise<boolean> {
  const done = await applied(db)
  return migrationNames.some((name) => !done.includes(name))
}

async function refuseNewer(db: Db): Promise<void> {
  const foreign = (await applied(db)).filter((name) => !migrationNames.includes(name))
  if (foreign.length > 0) {
    throw new AppError(
      'database-too-new',
      `the database has migrations this version does not know: ${foreign.join(', ')}`,
    )
  }
}

async function applied(db: Db): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(({ name }) => name === 'kysely_migration')) return []
  const done = await db
    .$extendTables<{ kysely_migration: { name: string } }>()
    .selectFrom('kysely_migration')
    .select('name')
    .execute()
  return done.map(({ name }) => name)
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
