import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Engine } from '../schema.ts'
import { tables } from './tables.ts'

/** What every system needs: answers kept per idempotency key, hit counts, the probe's row, proofs of the keyring. */
export function platform(engine: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const { table } = tables(db, engine)
      await table('idempotency_keys')
        .addColumn('scope', 'text', (column) => column.notNull())
        .addColumn('key', 'text', (column) => column.notNull())
        .addColumn('request_index', 'text', (column) => column.notNull())
        .addColumn('answer', 'text', (column) => column.notNull())
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

      await table('keyring_proofs')
        .addColumn('name', 'text', (column) => column.primaryKey().notNull())
        .addColumn('proof', 'text', (column) => column.notNull())
        .execute()

      // Instances share their counts; a single process keeps them in memory. A crash may forget them, so
      // they cost no flush.
      if (engine === 'postgres') {
        await sql`create unlogged table hits (key text primary key, count integer not null, ends_at timestamptz not null)`.execute(
          db,
        )
        await db.schema.createIndex('hits_by_end').on('hits').column('ends_at').execute()
      }
    },
  }
}
