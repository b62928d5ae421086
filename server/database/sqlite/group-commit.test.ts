import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../shared/clock.ts'
import { type Database, openDatabase } from '../database.ts'
import type { Tx } from '../schema.ts'
import { together } from '../together.ts'

let folder: string
let database: Database
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-commit-'))
  database = await openDatabase({ folder, url: undefined }, systemClock)
  await sql`create table marks (n integer primary key)`.execute(database.db)
})
afterEach(async () => {
  await database[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const mark = async (tx: Tx, n: number): Promise<number> => {
  await sql`insert into marks values (${n})`.execute(tx)
  return n
}
/** What another program sees, that is, what is committed. */
function committed(): unknown[] {
  const reader = new Sqlite(join(folder, 'server.db'), { readonly: true })
  const marks = reader.prepare('select n from marks order by n').pluck().all()
  reader.close()
  return marks
}
const works = Array.from({ length: 200 }, (_, n) => n)

test('every caller hears of its own work, and only once it is committed', async () => {
  const answers = await Promise.all(
    works.map(async (n) => {
      const answer = await database.transact((tx) => mark(tx, n))
      expect(committed()).toContain(n)
      return answer
    }),
  )
  expect(answers).toEqual(works)
})

test('a work that throws undoes itself alone', async () => {
  const answers = await Promise.allSettled(
    works.map((n) =>
      database.transact(async (tx) => {
        await mark(tx, n)
        if (n % 3 === 0) throw new Error(`no ${String(n)}`)
        return n
      }),
    ),
  )
  expect(answers.map(({ status }) => status === 'fulfilled')).toEqual(works.map((n) => n % 3 !== 0))
  expect(committed()).toEqual(works.filter((n) => n % 3 !== 0))
})

test('a statement that fails inside a work leaves the rest of that work to it', async () => {
  await database.transact((tx) => mark(tx, 1))
  await database.transact(async (tx) => {
    await mark(tx, 2)
    await mark(tx, 1).catch(() => 0)
    await mark(tx, 3)
  })
  expect(committed()).toEqual([1, 2, 3])
})

test('works that wait do not overlap', async () => {
  let inside = 0
  await Promise.all(
    works.map((n) =>
      database.transact(async (tx) => {
        inside += 1
        expect(inside).toBe(1)
        await new Promise((resolve) => setImmediate(resolve))
        await mark(tx, n)
        inside -= 1
      }),
    ),
  )
  expect(committed()).toEqual(works)
})

test('a disk that fills up fails those it leaves no room for, and nobody who was told of success', async () => {
  await sql`create table filler (text)`.execute(database.db)
  await sql`pragma max_page_count = 200`.execute(database.db)
  const answers = await Promise.allSettled(
    works.map((n) =>
      database.transact(async (tx) => {
        await mark(tx, n)
        await sql`insert into filler values (${'x'.repeat(20_000)})`.execute(tx)
        return n
      }),
    ),
  )
  const kept = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  expect(kept.length).toBeGreaterThan(0)
  expect(kept.length).toBeLessThan(works.length)
  expect(committed()).toEqual(kept)

  await sql`pragma max_page_count = 100000`.execute(database.db)
  expect(await database.transact((tx) => mark(tx, 1_000))).toBe(1_000)
})

test('nothing of a work is kept where SQLite undoes it in the middle, whatever it still had under way', async () => {
  await sql`create table filler (text)`.execute(database.db)
  await sql`pragma max_page_count = 100`.execute(database.db)
  const failed = database.transact((tx) =>
    together(sql`insert into filler values (${'x'.repeat(2_000_000)})`.execute(tx), mark(tx, 1), mark(tx, 2)),
  )
  await expect(failed).rejects.toMatchObject({ code: 'disk-full' })
  expect(committed()).toEqual([])
  expect(await database.transact((tx) => mark(tx, 3))).toBe(3)
  expect(committed()).toEqual([3])
})

test('when SQLite has rolled everything back, the whole batch fails and the next one works', async () => {
  const answers = await Promise.allSettled(
    [1, 2, 3].map((n) =>
      database.transact(async (tx) => {
        await mark(tx, n)
        // What SQLite does by itself after some input/output errors.
        if (n === 2) await sql`rollback`.execute(tx)
      }),
    ),
  )
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(committed()).toEqual([])
  await database.transact((tx) => mark(tx, 4))
  expect(committed()).toEqual([4])
})
