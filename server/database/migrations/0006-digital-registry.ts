import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Engine } from '../schema.ts'
import { tables } from './tables.ts'

/** Entities and their API users, what these registered, the consents that people gave. */
export function digitalRegistry(engine: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const { table, tableWithId, appendOnly } = tables(db, engine)
      const truth = (name: string) => sql<boolean>`${sql.ref(name)} in (0, 1)`
      await tableWithId('entities')
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('active', 'integer', (column) => column.notNull().check(truth('active')))
        .addColumn('created_at', 'text', (column) => column.notNull())
        .execute()

      await tableWithId('api_users')
        .addColumn('entity_id', 'integer', (column) => column.notNull().references('entities.id'))
        .addColumn('username_index', 'text', (column) => column.notNull().unique())
        .addColumn('username', 'text', (column) => column.notNull())
        .addColumn('password_hash', 'text', (column) => column.notNull())
        .addColumn('api_access', 'integer', (column) => column.notNull().check(truth('api_access')))
        .addColumn('active', 'integer', (column) => column.notNull().check(truth('active')))
        .addColumn('created_at', 'text', (column) => column.notNull())
        .execute()

      await table('api_user_failures')
        .addColumn('key', 'text', (column) => column.primaryKey().notNull())
        .addColumn('failures', 'integer', (column) => column.notNull())
        .addColumn('next_try_at', 'text', (column) => column.notNull())
        .addColumn('forget_at', 'text', (column) => column.notNull())
        .execute()
      await db.schema
        .createIndex('api_user_failures_by_end')
        .on('api_user_failures')
        .column('forget_at')
        .execute()

      await tableWithId('digital_registrations')
        .addColumn('code_index', 'text', (column) => column.notNull().unique())
        .addColumn('api_user_id', 'integer', (column) => column.notNull().references('api_users.id'))
        .addColumn('dni_index', 'text', (column) => column.notNull())
        .addColumn('personal', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) =>
          column.notNull().check(sql`state in ('generado', 'iniciado', 'completado')`),
        )
        .addColumn('wrong_proofs', 'integer', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addColumn('started_at', 'text')
        .addColumn('completed_at', 'text')
        .execute()
      await db.schema
        .createIndex('digital_registrations_by_dni')
        .on('digital_registrations')
        .column('dni_index')
        .execute()

      await tableWithId('digital_consents')
        .addColumn('registration_id', 'integer', (column) =>
          column.notNull().unique().references('digital_registrations.id'),
        )
        .addColumn('wording_version', 'text', (column) => column.notNull())
        .addColumn('language', 'text', (column) => column.notNull().check(sql`language in ('es', 'en')`))
        .addColumn('wording', 'text', (column) => column.notNull())
        .addColumn('accepted_at', 'text', (column) => column.notNull())
        .execute()
      await appendOnly('digital_consents')
    },
  }
}
