import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Engine } from '../schema.ts'
import { tables } from './tables.ts'

/** What staff did and what happened to the server's defences, each row sealed to the one before. */
export function audit(engine: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const { table } = tables(db, engine)
      await table('audit_events')
        .addColumn('seq', 'integer', (column) => column.primaryKey().notNull())
        .addColumn('at', 'text', (column) => column.notNull())
        .addColumn('action', 'text', (column) => column.notNull())
        .addColumn('actor', 'text', (column) => column.notNull())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('details', 'text', (column) => column.notNull())
        .addColumn('chain', 'text', (column) => column.notNull())
        .execute()
      await table('audit_ends')
        .addColumn('place', 'text', (column) => column.primaryKey().notNull())
        .addColumn('seq', 'integer', (column) => column.notNull())
        .addColumn('chain', 'text', (column) => column.notNull())
        .addColumn('proof', 'text', (column) => column.notNull())
        .execute()
    },
  }
}
