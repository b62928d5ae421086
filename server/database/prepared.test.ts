import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { engines, openTestbed, type Testbed } from '../testbed.testing.ts'
import { prepared } from './prepared.ts'
import type { Db, Tx } from './schema.ts'

interface Mark {
  n: number
  text: string | null
}

describe.each(engines)('on %s', (engine) => {
  let bed: Testbed
  beforeEach(async () => {
    bed = await openTestbed({ engine })
    await sql`create table marks (n integer primary key, text text)`.execute(bed.database.db)
  })
  afterEach(() => bed[Symbol.asyncDispose]())

  let built = 0
  const withMarks = (db: Db) => db.$extendTables<{ marks: Mark }>()
  const insert = prepared<Mark>()((db, value) => {
    built += 1
    return withMarks(db)
      .insertInto('marks')
      .values({ n: value('n'), text: value('text') })
  })
  const find = prepared<Mark>()((db, value) =>
    withMarks(db)
      .selectFrom('marks')
      .select(['n', 'text'])
      // Out of order, and one of them twice.
      .where((is) => is.or([is('text', '=', value('text')), is('n', '=', value('n'))]))
      .where('n', '<=', value('n'))
      .where('n', '<', 1_000)
      .orderBy('n'),
  )
  const marks = (): Promise<Mark[]> => find.run(bed.database.db, { n: 999, text: 'x' })

  describe('a prepared query', () => {
    test('gets each value in its place, inside a transaction and outside', async () => {
      await bed.database.transact(async (tx) => {
        await insert.run(tx, { n: 1, text: 'x' })
        await insert.run(tx, { n: 2, text: null })
        await insert.run(tx, { n: 3, text: 'x' })
        expect(await find.run(tx, { n: 2, text: 'x' })).toEqual([
          { n: 1, text: 'x' },
          { n: 2, text: null },
        ])
      })
      expect(await find.run(bed.database.db, { n: 1, text: 'y' })).toEqual([{ n: 1, text: 'x' }])
    })

    test('is built once', async () => {
      built = 0
      const twice = prepared<Mark>()((db, value) => {
        built += 1
        return withMarks(db)
          .insertInto('marks')
          .values({ n: value('n'), text: value('text') })
      })
      await bed.database.transact((tx) => twice.run(tx, { n: 1, text: 'x' }))
      await bed.database.transact((tx) => twice.run(tx, { n: 2, text: 'x' }))
      expect(built).toBe(1)
      expect(await marks()).toHaveLength(2)
    })
  })

  describe('what a work leaves for its end', () => {
    test('runs in the order it was left, before anybody hears of success', async () => {
      await bed.database.transact(async (tx) => {
        insert.trail(tx, { n: 1, text: 'x' })
        await insert.run(tx, { n: 2, text: 'x' })
        insert.trail(tx, { n: 3, text: 'x' })
        expect((await find.run(tx, { n: 999, text: 'x' })).map(({ n }) => n)).toEqual([2])
      })
      expect((await marks()).map(({ n }) => n)).toEqual([1, 2, 3])
    })

    test('fails the work where it fails, says why, and undoes it all', async () => {
      const works = [0, 1, 2].map((place) =>
        bed.database.transact(async (tx) => {
          await insert.run(tx, { n: place * 10, text: 'x' })
          insert.trail(tx, { n: place * 10 + 1, text: 'x' })
          if (place === 1) insert.trail(tx, { n: 11, text: 'x' })
          insert.trail(tx, { n: place * 10 + 2, text: 'x' })
          return place
        }),
      )
      const [first, second, third] = await Promise.allSettled(works)
      expect([first, third]).toEqual([
        { status: 'fulfilled', value: 0 },
        { status: 'fulfilled', value: 2 },
      ])
      const code = engine === 'postgres' ? '23505' : 'SQLITE_CONSTRAINT_PRIMARYKEY'
      expect(second).toMatchObject({ status: 'rejected', reason: { code } })
      expect((await marks()).map(({ n }) => n)).toEqual([0, 1, 2, 20, 21, 22])
    })

    test('is forgotten with a work that throws, and left to no other', async () => {
      const failed = bed.database.transact((tx) => {
        insert.trail(tx, { n: 1, text: 'x' })
        return Promise.reject(new Error('no'))
      })
      const other = bed.database.transact(async (tx) => {
        await insert.run(tx, { n: 2, text: 'x' })
      })
      await expect(failed).rejects.toThrow('no')
      await other
      expect((await marks()).map(({ n }) => n)).toEqual([2])
    })
  })

  test('a query that comes after the end of its transaction is refused', async () => {
    let kept: Tx | undefined
    await bed.database.transact(async (tx) => {
      kept = tx
      await insert.run(tx, { n: 1, text: 'x' })
    })
    if (kept === undefined) throw new Error('no transaction')
    await expect(insert.run(kept, { n: 2, text: 'x' })).rejects.toThrow()
    expect((await marks()).map(({ n }) => n)).toEqual([1])
  })
})
