import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Engine } from '../schema.ts'
import { tables } from './tables.ts'

/** Mails on their way out. */
export function mail(engine: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const { tableWithId } = tables(db, engine)
      await tableWithId('mails')
        .addColumn('message_id', 'text', (column) => column.notNull().unique())
        // Gone once the mail has left.
        .addColumn('content', 'text')
        .addColumn('state', 'text', (column) =>
          column.notNull().check(sql`state in ('pending', 'sent', 'dead')`),
        )
        .addColumn('attempts', 'integer', (column) => column.notNull())
        .addColumn('due_at', 'text', (column) => column.notNull())
        .addColumn('leased_until', 'text')
        .addColumn('give_up_at', 'text', (column) => column.notNull())
        .addColumn('last_error', 'text')
        .addColumn('last_reply', 'text')
        .addColumn('queued_at', 'text', (column) => column.notNull())
        .addColumn('settled_at', 'text')
        .execute()
      await db.schema.createIndex('mails_by_due').on('mails').columns(['state', 'due_at']).execute()
    },
  }
}
