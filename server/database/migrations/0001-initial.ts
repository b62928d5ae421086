import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Engine } from '../schema.ts'

/** Clients, their cards and consents, the cases staff must look at, answers kept per idempotency key. */
export function initial(engine: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const table = (name: string) => {
        const builder = db.schema.createTable(name)
        // Without STRICT, SQLite would store text in an integer column.
        return engine === 'sqlite' ? builder.modifyEnd(sql`strict`) : builder
      }
      const withId = (name: string) =>
        table(name).addColumn('id', 'integer', (column) =>
          engine === 'sqlite'
            ? column.primaryKey().autoIncrement()
            : column.primaryKey().generatedByDefaultAsIdentity(),
        )

      await withId('clients')
        .addColumn('codigo_cliente_vlt', 'text', (column) => column.notNull().unique())
        .addColumn('correo', 'text', (column) => column.notNull())
        .addColumn('tipo_documento', 'text')
        .addColumn('dni', 'text')
        .addColumn('nombre', 'text')
        .addColumn('apellido_paterno', 'text')
        .addColumn('apellido_materno', 'text')
        .addColumn('fecha_nacimiento', 'text')
        .addColumn('direccion', 'text')
        .addColumn('telefono', 'text')
        .addColumn('ubigeo', 'text')
        .addColumn('sexo', 'text')
        .addColumn('active_card_uid', 'text', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .execute()
      // Not unique: numbers of different document types collide, and old data may repeat them.
      await db.schema.createIndex('clients_by_dni').on('clients').column('dni').execute()

      await table('cards')
        .addColumn('uid', 'text', (column) => column.primaryKey().notNull())
        .addColumn('client_id', 'integer', (column) => column.notNull().references('clients.id'))
        .addColumn('tarjeta', 'text', (column) => column.notNull())
        .addColumn('registered_at', 'text', (column) => column.notNull())
        .execute()
      await db.schema.createIndex('cards_by_client').on('cards').column('client_id').execute()

      await withId('consents')
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
      await forbidChanges(db, engine)

      await withId('staff_cases')
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

      await table('idempotency_keys')
        .addColumn('scope', 'text', (column) => column.notNull())
        .addColumn('key', 'text', (column) => column.notNull())
        .addColumn('request_hash', 'text', (column) => column.notNull())
        .addColumn('status', 'integer', (column) => column.notNull())
        .addColumn('body', 'text', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('idempotency_keys_pk', ['scope', 'key'])
        .execute()
      await db.schema
        .createIndex('idempotency_keys_by_age')
        .on('idempotency_keys')
        .column('created_at')
        .execute()

      await table('heartbeat')
        .addColumn('id', 'integer', (column) => column.primaryKey().notNull())
        .addColumn('beat_at', 'text', (column) => column.notNull())
        .execute()
    },
  }
}

/** The ledger is evidence: the database itself refuses to rewrite it. */
async function forbidChanges(db: Kysely<unknown>, engine: Engine): Promise<void> {
  if (engine === 'sqlite') {
    for (const change of ['update', 'delete']) {
      await sql`create trigger ${sql.raw(`consents_no_${change}`)} before ${sql.raw(change)} on consents
        begin select raise(abort, 'consents is append-only'); end`.execute(db)
    }
    return
  }
  await sql`create function refuse_change() returns trigger language plpgsql as
    $$ begin raise exception '% is append-only', tg_table_name; end $$`.execute(db)
  await sql`create trigger consents_append_only before update or delete or truncate on consents
    for each statement execute function refuse_change()`.execute(db)
}
