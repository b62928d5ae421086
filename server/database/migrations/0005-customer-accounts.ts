import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Engine } from '../schema.ts'
import { tables } from './tables.ts'

/** Customers with an account, and what strangers lately tried for an address. */
export function customerAccounts(engine: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const { table, tableWithId } = tables(db, engine)
      await tableWithId('customer_accounts')
        .addColumn('email_index', 'text', (column) => column.notNull().unique())
        .addColumn('document_index', 'text', (column) => column.notNull().unique())
        .addColumn('profile', 'text', (column) => column.notNull())
        .addColumn('password_hash', 'text', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .execute()

      await table('customer_attempts')
        .addColumn('key', 'text', (column) => column.primaryKey().notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('forget_at', 'text', (column) => column.notNull())
        .execute()
      await db.schema
        .createIndex('customer_attempts_by_end')
        .on('customer_attempts')
        .column('forget_at')
        .execute()
    },
  }
}
