import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { type Core, openCore } from '../../core.ts'
import { handClock, newPlace, type TestPlace } from '../../testbed.testing.ts'
import { scrub } from './scrub.ts'

const clock = handClock()

function openPlaceCore({ folder: data }: TestPlace): Promise<Core> {
  return openCore({ data, databaseUrl: undefined, keys: undefined }, clock, 'server')
}

/** Which of the texts have left a piece in the files of the database. */
function remains({ folder }: TestPlace, texts: string[]): string[] {
  const files = ['server.db', 'server.db-wal']
    .map((name) => readFileSync(join(folder, name), 'latin1'))
    .join()
  return texts.filter((text) => files.includes(text.slice(20, 52)))
}

const randomText = (): string => randomBytes(48 + Math.floor(Math.random() * 900)).toString('base64url')

/** Rows that grow and shrink: SQLite moves them between pages. Answers all texts there ever were. */
function moveRows({ database }: Core): Promise<string[]> {
  const texts: string[] = []
  return database.transact(async (tx) => {
    for (let n = 1; n <= 1_000; n += 1) {
      const [first, second] = [randomText(), randomText()]
      texts.push(first, second)
      const row = { state: 'pending' as const, attempts: 0, due_at: '', queued_at: '', give_up_at: '' }
      await tx
        .insertInto('mails')
        .values({ ...row, message_id: String(n), content: first })
        .execute()
      const id = 1 + Math.floor(Math.random() * n)
      await tx.updateTable('mails').set({ content: second }).where('id', '=', id).execute()
    }
    return texts
  })
}

test('copies in moved rows are gone as well', async () => {
  await using place = await newPlace()
  await using core = await openPlaceCore(place)
  const texts = await moveRows(core)
  await core.database.db.updateTable('mails').set({ content: null }).execute()
  await sql`pragma wal_checkpoint(truncate)`.execute(core.database.db)
  // Else this test would not show what it is for.
  expect(remains(place, texts)).not.toEqual([])
  await core.database.scrub(texts)
  expect(remains(place, texts)).toEqual([])
})

test('what nobody knows any more is gone as well', async () => {
  await using place = await newPlace()
  await using core = await openPlaceCore(place)
  const texts = await moveRows(core)
  await core.database.transact(async (tx) => {
    await core.database.oweScrub(tx)
    await tx.updateTable('mails').set({ content: null }).execute()
  })
  // As after a crash: asked again, with nothing left to erase.
  await core.database.scrub([])
  expect(remains(place, texts)).toEqual([])
})

test('nor are the texts of an earlier erasure that did not get through', async () => {
  await using place = await newPlace()
  await using core = await openPlaceCore(place)
  const texts = await moveRows(core)
  await core.database.transact(async (tx) => {
    await core.database.oweScrub(tx)
    await tx.updateTable('mails').set({ content: null }).execute()
  })
  await core.database.transact((tx) => core.database.oweScrub(tx))
  await core.database.scrub([randomText()])
  expect(remains(place, texts)).toEqual([])
})

test('a database without such copies is not written anew', async () => {
  await using place = await newPlace()
  await using core = await openPlaceCore(place)
  const [text, other] = [randomText(), randomText()]
  await core.database.probe()
  const pages = () => readFileSync(join(place.folder, 'server.db')).length
  await core.database.transact(async (tx) => {
    const row = { state: 'pending' as const, attempts: 0, due_at: '', queued_at: '', give_up_at: '' }
    for (let n = 0; n < 200; n += 1) {
      const content = n === 0 ? text : other + String(n)
      await tx
        .insertInto('mails')
        .values({ ...row, message_id: String(n), content })
        .execute()
    }
  })
  await core.database.db.deleteFrom('mails').execute()
  await core.database.scrub([text])
  const before = pages()
  expect(remains(place, [text])).toEqual([])
  // Nor where nothing is owed, however often somebody asks.
  await core.database.scrub([])
  expect(pages()).toBe(before)
  await core.database.transact((tx) => core.database.oweScrub(tx))
  await core.database.scrub([])
  expect(pages()).toBeLessThan(before)
})

test('a program that keeps the files busy is named, and nothing is said to be clean', async () => {
  await using place = await newPlace()
  await using core = await openPlaceCore(place)
  await core.database.probe()
  const reader = new Sqlite(join(place.folder, 'server.db'))
  reader.exec('begin; select * from heartbeat')
  await core.database.probe()
  const { db } = core.database
  const hurried = scrub(db, join(place.folder, 'server.db'), ['x'], 100)
  await expect(hurried).rejects.toMatchObject({ code: 'database-unavailable' })
  reader.close()
  await core.database.scrub(['x'])
})
