import { type CreateTableBuilder, type Kysely, sql } from 'kysely'
import type { Engine } from '../schema.ts'

/** Table builders that mean the same on both engines. */
export function tables(db: Kysely<unknown>, engine: Engine) {
  const table = <Name extends string>(name: Name): CreateTableBuilder<Name> => {
    const builder = db.schema.createTable(name)
    // Without STRICT, SQLite would store text in an integer column.
    return engine === 'sqlite' ? builder.modifyEnd(sql`strict`) : builder
  }
  return {
    table,
    /** With a column `id` that counts up and never comes twice. */
    tableWithId: <Name extends string>(name: Name): CreateTableBuilder<Name, 'id'> =>
      table(name).addColumn('id', 'integer', (column) =>
        engine === 'sqlite'
          ? column.primaryKey().autoIncrement()
          : column.primaryKey().generatedByDefaultAsIdentity(),
      ),
    /** For tables that are evidence: the database itself refuses to change or remove their rows. */
    appendOnly: async (name: string): Promise<void> => {
      if (engine === 'sqlite') {
        for (const change of ['update', 'delete']) {
          await sql`create trigger ${sql.raw(`${name}_no_${change}`)} before ${sql.raw(change)} on ${sql.table(name)}
            begin select raise(abort, ${sql.lit(`${name} is append-only`)}); end`.execute(db)
        }
        return
      }
      await sql`create or replace function refuse_change() returns trigger language plpgsql as
        $$ begin raise exception '% is append-only', tg_table_name; end $$`.execute(db)
      await sql`create trigger ${sql.raw(`${name}_append_only`)} before update or delete or truncate on ${sql.table(name)}
        for each statement execute function refuse_change()`.execute(db)
    },
  }
}
