import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Engine } from '../schema.ts'
import { tables } from './tables.ts'

/** What kiosks hand over that was done already: a key stays in the count it was first in, and is in each other one once. */
export function kioskRepetitions(engine: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('idempotency_keys').addColumn('kiosk_epoch', 'text').execute()
      await tables(db, engine)
        .table('kiosk_repetitions')
        .addColumn('scope', 'text', (column) => column.notNull())
        .addColumn('key', 'text', (column) => column.notNull())
        .addColumn('kiosk_id', 'integer', (column) => column.notNull().references('kiosks.id'))
        .addColumn('epoch', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('kiosk_repetitions_pk', ['scope', 'key', 'kiosk_id', 'epoch'])
        .addForeignKeyConstraint(
          'kiosk_repetitions_key',
          ['scope', 'key'],
          'idempotency_keys',
          ['scope', 'key'],
          (key) => key.onDelete('cascade'),
        )
        .execute()
    },
  }
}
