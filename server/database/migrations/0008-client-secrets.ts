import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Engine } from '../schema.ts'
import { tables } from './tables.ts'

/** Secrets of integrations, and whom a kept answer is about, so that it can be found when that person is erased. */
export function clientSecrets(engine: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const { tableWithId } = tables(db, engine)
      await tableWithId('client_secrets')
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('secret_index', 'text', (column) => column.notNull().unique())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addColumn('last_used_at', 'text')
        .addColumn('revoked_at', 'text')
        .execute()

      await db.schema.alterTable('idempotency_keys').addColumn('subject', 'text').execute()
      await db.schema
        .createIndex('idempotency_keys_by_subject')
        .on('idempotency_keys')
        .column('subject')
        .execute()
    },
  }
}
