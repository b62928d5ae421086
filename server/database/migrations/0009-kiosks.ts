import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Engine } from '../schema.ts'
import { tables } from './tables.ts'

/** Kiosks with keys of their own, their one-time codes, what is held of their outboxes, and cases about them. */
export function kiosks(engine: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const { table, tableWithId } = tables(db, engine)
      await tableWithId('kiosks')
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('key_id', 'text', (column) => column.notNull().unique())
        .addColumn('public_key', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) =>
          column.notNull().check(sql`state in ('pending', 'active', 'locked', 'revoked')`),
        )
        .addColumn('version', 'text', (column) => column.notNull())
        .addColumn('joined_at', 'text', (column) => column.notNull())
        .addColumn('last_seen_at', 'text')
        .addColumn('last_sequence', 'text', (column) => column.notNull())
        .addColumn('last_request', 'text', (column) => column.notNull())
        .execute()

      await tableWithId('kiosk_codes')
        .addColumn('code_index', 'text', (column) => column.notNull().unique())
        .addColumn('name', 'text')
        .addColumn('kiosk_id', 'integer', (column) => column.references('kiosks.id'))
        .addColumn('activates', 'integer', (column) => column.notNull().check(sql`activates in (0, 1)`))
        .addColumn('expires_at', 'text', (column) => column.notNull())
        .addColumn('used_by', 'text')
        .execute()

      await table('kiosk_epochs')
        .addColumn('kiosk_id', 'integer', (column) => column.notNull().references('kiosks.id'))
        .addColumn('epoch', 'text', (column) => column.notNull())
        .addColumn('taken', 'integer', (column) => column.notNull())
        .addColumn('report', 'text')
        .addColumn('reported_at', 'text')
        .addPrimaryKeyConstraint('kiosk_epochs_pk', ['kiosk_id', 'epoch'])
        .execute()

      await db.schema
        .alterTable('idempotency_keys')
        .addColumn('kiosk_id', 'integer', (column) => column.references('kiosks.id'))
        .execute()

      // SQLite cannot make a column optional: the table is written anew.
      await db.schema.alterTable('staff_cases').renameTo('staff_cases_before').execute()
      await db.schema.dropIndex('staff_cases_by_card').execute()
      await tableWithId('staff_cases')
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('client_id', 'integer', (column) => column.references('clients.id'))
        .addColumn('other_client_id', 'integer', (column) => column.references('clients.id'))
        .addColumn('claimed_codigo', 'text')
        .addColumn('card_uid', 'text')
        .addColumn('kiosk_id', 'integer', (column) => column.references('kiosks.id'))
        .addColumn('details', 'text')
        .addColumn('opened_at', 'text', (column) => column.notNull())
        .addColumn('closed_at', 'text')
        .execute()
      const kept = sql`id, kind, client_id, other_client_id, claimed_codigo, card_uid, opened_at, closed_at`
      await sql`insert into staff_cases (${kept}) select ${kept} from staff_cases_before`.execute(db)
      await db.schema.dropTable('staff_cases_before').execute()
      if (engine === 'postgres') {
        const last = sql`(select coalesce(max(id), 0) + 1 from staff_cases)`
        await sql`select setval(pg_get_serial_sequence('staff_cases', 'id'), ${last}, false)`.execute(db)
      }
      await db.schema
        .createIndex('staff_cases_by_card')
        .on('staff_cases')
        .columns(['card_uid', 'claimed_codigo'])
        .execute()
      await db.schema.createIndex('staff_cases_by_kiosk').on('staff_cases').column('kiosk_id').execute()
    },
  }
}
