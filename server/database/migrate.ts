import { type RawBuilder, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { AppError } from '../../shared/errors.ts'
import { lock } from './locks.ts'
import { clients } from './migrations/0001-clients.ts'
import { platform } from './migrations/0002-platform.ts'
import { audit } from './migrations/0003-audit.ts'
import { mail } from './migrations/0004-mail.ts'
import { customerAccounts } from './migrations/0005-customer-accounts.ts'
import { digitalRegistry } from './migrations/0006-digital-registry.ts'
import { userAccounts } from './migrations/0007-user-accounts.ts'
import { clientSecrets } from './migrations/0008-client-secrets.ts'
import { kiosks } from './migrations/0009-kiosks.ts'
import { consentTexts } from './migrations/0010-consent-texts.ts'
import { kioskRepetitions } from './migrations/0011-kiosk-repetitions.ts'
import type { Db, Engine, Tx } from './schema.ts'

/** In code, not found by a folder scan: the same list runs from source, from `dist` and on every engine. */
const migrations = (engine: Engine) => ({
  '0001-clients': clients(engine),
  '0002-platform': platform(engine),
  '0003-audit': audit(engine),
  '0004-mail': mail(engine),
  '0005-customer-accounts': customerAccounts(engine),
  '0006-digital-registry': digitalRegistry(engine),
  '0007-user-accounts': userAccounts(engine),
  '0008-client-secrets': clientSecrets(engine),
  '0009-kiosks': kiosks(engine),
  '0010-consent-texts': consentTexts(),
  '0011-kiosk-repetitions': kioskRepetitions(engine),
})

/**
 * Brings the database to the newest schema in one transaction and answers the names of the migrations that ran.
 * Of several instances that start together one does it; the others wait and find it done.
 *
 * Throws `database-too-new` when a newer program has already been there, `database-refused` for a user who may not
 * create tables; anything else as the engine threw it.
 */
export async function migrate(db: Db, engine: Engine): Promise<string[]> {
  return db.transaction().execute(async (tx) => {
    await lock(tx, ['migrations'])
    refuseNewer(await applied(tx, engine))
    if (engine === 'postgres') await refusePowerless(tx)
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

/** Whether `migrate` would change the schema. Throws `database-too-new`. */
export async function hasPending(db: Db, engine: Engine): Promise<boolean> {
  const done = await applied(db, engine)
  refuseNewer(done)
  return migrationNames.some((name) => !done.includes(name))
}

function refuseNewer(done: string[]): void {
  const foreign = done.filter((name) => !migrationNames.includes(name))
  if (foreign.length > 0) {
    throw new AppError(
      'database-too-new',
      `the database has migrations this version does not know: ${foreign.join(', ')}`,
    )
  }
}

/** The migrator would only tell of what comes after. */
async function refusePowerless(tx: Tx): Promise<void> {
  const { rows } = await sql<{
    may: boolean | null
  }>`select has_schema_privilege(current_schema(), 'create') as may`.execute(tx)
  if (rows[0]?.may !== true) {
    throw new AppError('database-refused', 'PostgreSQL: this user may not create tables')
  }
}

const migrationTable: Record<Engine, RawBuilder<{ found: unknown }>> = {
  sqlite: sql`select name as found from sqlite_schema where name = 'kysely_migration'`,
  postgres: sql`select to_regclass('kysely_migration') as found`,
}

async function applied(db: Db, engine: Engine): Promise<string[]> {
  const { rows } = await migrationTable[engine].execute(db)
  if ((rows[0]?.found ?? null) === null) return []
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
