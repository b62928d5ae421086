import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Engine } from '../schema.ts'
import { tables } from './tables.ts'

/** Clients, their cards and consents, the cases staff must look at. */
export function clients(engine: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const { table, tableWithId, appendOnly } = tables(db, engine)
      await tableWithId('clients')
        .addColumn('codigo_cliente_vlt', 'text', (column) => column.notNull().unique())
        .addColumn('tipo_documento', 'text')
        .addColumn('dni_index', 'text')
        .addColumn('personal', 'text', (column) => column.notNull())
        .addColumn('active_card_uid', 'text', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .execute()
      // Not unique: numbers of different document types collide, and old data may repeat them.
      await db.schema.createIndex('clients_by_dni').on('clients').column('dni_index').execute()

      await table('cards')
        .addColumn('uid', 'text', (column) => column.primaryKey().notNull())
        .addColumn('client_id', 'integer', (column) => column.notNull().references('clients.id'))
        .addColumn('tarjeta', 'text', (column) => column.notNull())
        .addColumn('registered_at', 'text', (column) => column.notNull())
        .execute()
      await db.schema.createIndex('cards_by_client').on('cards').column('client_id').execute()

      await tableWithId('consents')
        .addColumn('client_id', 'integer', (column) => column.notNull().references('clients.id'))
        .addColumn('channel', 'text', (column) =>
          column.notNull().check(sql`channel in ('whatsapp', 'email', 'sms')`),
        )
        .addColumn('granted', 'integer', (column) => column.notNull().check(sql`granted in (0, 1)`))
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('card_uid', 'text')
        .addColumn('recorded_at', 'text', (column) => column.notNull())
        .execute()
      await db.schema
        .createIndex('consents_by_client')
        .on('consents')
        .columns(['client_id', 'channel'])
        .execute()
      await appendOnly('consents')

      await tableWithId('staff_cases')
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('client_id', 'integer', (column) => column.notNull().references('clients.id'))
        .addColumn('other_client_id', 'integer', (column) => column.references('clients.id'))
        .addColumn('claimed_codigo', 'text', (column) => column.notNull())
        .addColumn('card_uid', 'text', (column) => column.notNull())
        .addColumn('opened_at', 'text', (column) => column.notNull())
        .addColumn('closed_at', 'text')
        .execute()
      await db.schema
        .createIndex('staff_cases_by_card')
        .on('staff_cases')
        .columns(['card_uid', 'claimed_codigo'])
        .execute()
    },
  }
}
