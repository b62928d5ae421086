import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RawBuilder, sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../../shared/clock.ts'
import { newPostgresDatabase, type PostgresDatabase } from '../../postgres.testing.ts'
import { type Database, openDatabase } from '../database.ts'
import type { Db } from '../schema.ts'
import { statementName } from './statement-names.ts'

let folder: string
let place: PostgresDatabase
let database: Database
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-names-'))
  place = await newPostgresDatabase('template1')
  database = await openDatabase({ folder, url: place.url }, systemClock)
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await place[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** Runs a statement and answers what this connection has prepared under its text. */
async function prepared(db: Db, statement: RawBuilder<unknown>): Promise<unknown[]> {
  await statement.execute(db)
  await statement.execute(db)
  const { rows } = await sql`select name, generic_plans + custom_plans as plans from pg_prepared_statements
    where statement = ${statement.compile(db).sql}`.execute(db)
  return rows
}

test('one text has one name on every connection, and is prepared once on each', async () => {
  const both = Promise.withResolvers<undefined>()
  let inside = 0
  const found = await Promise.all(
    [1, 2].map((n) =>
      database.transact(async (tx) => {
        inside += 1
        if (inside === 2) both.resolve(undefined)
        await both.promise
        return prepared(tx, sql`select ${n}::integer as same_text`)
      }),
    ),
  )
  expect(found).toEqual([[{ name: expect.any(String) as string, plans: '2' }], found[0]])
})

test('a text that failed at first is prepared anew', async () => {
  const statement = sql`select n from later where n = ${1}`
  await database.transact(async (tx) => {
    await sql`savepoint before`.execute(tx)
    await expect(statement.execute(tx)).rejects.toMatchObject({ code: '42P01' })
    await sql`rollback to before`.execute(tx)
    await sql`create table later (n integer)`.execute(tx)
    expect(await prepared(tx, statement)).toHaveLength(1)
  })
})

test('statements behind a failed one, prepared or not, do not spoil those names', async () => {
  const [fresh, again] = [sql`select ${1}::integer as fresh`, sql`select ${2}::integer as again`]
  for (let time = 0; time < 3; time += 1) {
    await database
      .transact(async (tx) => {
        if (time > 0) await again.execute(tx)
        await Promise.allSettled([
          sql`select ${1}::integer / 0`.execute(tx),
          fresh.execute(tx),
          fresh.execute(tx),
          again.execute(tx),
        ])
        throw new Error('no')
      })
      .catch(() => undefined)
    await Promise.all(
      Array.from({ length: 20 }, () =>
        database.transact((tx) => Promise.all([fresh.execute(tx), again.execute(tx)])),
      ),
    )
  }
})

test('a statement that asks for every column goes on when a newer instance adds one', async () => {
  await sql`create table grown (n integer)`.execute(database.db)
  await database.transact(async (tx) => {
    const rows = tx.$extendTables<{ grown: { n: number } }>()
    const statements = [
      () => sql`select * from grown where n <> ${0}`.execute(tx),
      () => rows.selectFrom('grown').selectAll().where('n', '<>', 0).execute(),
      () => rows.selectFrom('grown').selectAll('grown').where('n', '<>', 0).execute(),
      () => rows.insertInto('grown').values({ n: 1 }).returningAll().execute(),
      () => rows.insertInto('grown').values({ n: 1 }).returning('n').execute(),
    ]
    for (const column of ['one', 'two']) {
      for (const run of statements) await run()
      await sql`alter table grown add column ${sql.ref(column)} text`.execute(tx)
    }
    for (const run of statements) await run()
  })
})

test('long texts, statements without values and those beyond the cap run without a name', async () => {
  const long = sql`select ${1}::integer as n ${sql.raw(`/* ${'x'.repeat(10_000)} */`)}`
  expect(await database.transact((tx) => prepared(tx, long))).toEqual([])
  expect(await database.transact((tx) => prepared(tx, sql`select 1 as without_values`))).toEqual([])

  const first = sql`select ${1}::integer as among_the_first`
  expect(await database.transact((tx) => prepared(tx, first))).toHaveLength(1)
  const names = Array.from({ length: 600 }, (_, n) => statementName(`select ${String(n)}`))
  expect(names.at(-1)).toBeUndefined()
  const kept = names.filter((name) => name !== undefined)
  expect(new Set(kept).size).toBe(kept.length)
  const last = sql`select ${1}::integer as one_too_many`
  expect(await database.transact((tx) => prepared(tx, last))).toEqual([])
  expect(await database.transact((tx) => prepared(tx, first))).toHaveLength(1)
})
