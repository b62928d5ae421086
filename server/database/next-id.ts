import { type RawBuilder, sql } from 'kysely'
import { isPostgres } from './locks.ts'
import type { Db, Schema } from './schema.ts'

/**
 * Takes the id that the next row of a table made with `tableWithId` would get: a row whose id is known beforehand
 * travels together with those that refer to it.
 */
export function nextId(db: Db, table: keyof Schema): RawBuilder<number> {
  return isPostgres(db)
    ? sql`nextval(${sql.lit(`${table}_id_seq`)})::integer`
    : sql`(select coalesce(max(seq), 0) + 1 from sqlite_sequence where name = ${sql.lit(table)})`
}
