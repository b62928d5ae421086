import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { newPostgresDatabase, type PostgresDatabase } from '../postgres.testing.ts'
import type { Hits } from './limit-rate.ts'
import { sharedHits } from './shared-hits.ts'

const minute = 60_000
let folder: string
let place: PostgresDatabase
let one: Database
let other: Database
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-hits-'))
  place = await newPostgresDatabase()
  one = await openDatabase({ folder, url: place.url }, systemClock)
  other = await openDatabase({ folder, url: place.url }, systemClock)
})
afterAll(async () => {
  await one[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
  await place[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** The first instance's database, with every statement counted. */
function counted(): { database: Database; statements: () => number } {
  let statements = 0
  const query: Database['query'] = (work) => {
    statements += 1
    return one.query(work)
  }
  return { database: { ...one, query }, statements: () => statements }
}

const counts = (hits: Hits[]): number[] => hits.map(({ count }) => count).sort((a, b) => a - b)
const upTo = (n: number): number[] => Array.from({ length: n }, (_, place) => place + 1)

test('hits of two instances on one key are counted without a gap and without a repeat', async () => {
  const [hits, others] = [sharedHits(one), sharedHits(other)]
  const all = await Promise.all(
    upTo(400).map(async (n) => {
      await delay(n % 20)
      return (n % 2 === 0 ? hits : others).hit('both', minute)
    }),
  )
  expect(counts(all)).toEqual(upTo(400))
  for (const { resetsInMs } of all) {
    expect(resetsInMs).toBeGreaterThan(0)
    expect(resetsInMs).toBeLessThanOrEqual(minute)
  }
})

test('a flood on one key travels in few statements, and holds up no other key', async () => {
  const { database, statements } = counted()
  const hits = sharedHits(database)
  const flood = upTo(500).map(() => hits.hit('flooded', minute))
  expect((await hits.hit('calm', minute)).count).toBe(1)
  expect(counts(await Promise.all(flood))).toEqual(upTo(500))
  expect(statements()).toBeLessThan(10)
})

test('who comes later in the process has the higher count', async () => {
  const hits = sharedHits(one)
  const all = await Promise.all(upTo(50).map(() => hits.hit('in order', minute)))
  expect(all.map(({ count }) => count)).toEqual(upTo(50))
})

test('a window begins with its first hit, is not extended by later ones, and ends', async () => {
  const hits = sharedHits(one)
  const windowMs = 1_500
  const first = await hits.hit('window', windowMs)
  expect(first.count).toBe(1)
  await delay(300)
  const second = await hits.hit('window', windowMs)
  expect(second.count).toBe(2)
  expect(second.resetsInMs).toBeLessThan(first.resetsInMs - 200)
  await delay(second.resetsInMs + 50)
  const next = await hits.hit('window', windowMs)
  expect(next.count).toBe(1)
  expect(next.resetsInMs).toBeGreaterThan(windowMs - 300)
})

test('ended windows are forgotten, and only those', async () => {
  const hits = sharedHits(one)
  await sql`delete from hits`.execute(one.db)
  await Promise.all([hits.hit('short', 1), hits.hit('shorter', 1), hits.hit('long', minute)])
  await delay(50)
  expect(await hits.prune()).toBe(2)
  expect(await one.db.selectFrom('hits').select(['key', 'count']).execute()).toEqual([
    { key: 'long', count: 1 },
  ])
})

test('a count that fails is told to all who wait for it, and the next one counts', async () => {
  const hits = sharedHits(one)
  await sql`alter table hits rename to hits_away`.execute(one.db)
  const failed = await Promise.allSettled(upTo(20).map(() => hits.hit('failing', minute)))
  expect(failed.map(({ status }) => status)).toEqual(upTo(20).map(() => 'rejected'))
  await sql`alter table hits_away rename to hits`.execute(one.db)
  expect((await hits.hit('failing', minute)).count).toBe(1)
})

test('who would wait behind a thousand others on one key is told to come back at once', async () => {
  const held = Promise.withResolvers<undefined>()
  const slow: Database = {
    ...one,
    query: async (work) => {
      await held.promise
      return one.query(work)
    },
  }
  const hits = sharedHits(slow)
  const waiting = upTo(1_001).map(() => hits.hit('crowded', minute))
  await expect(hits.hit('crowded', minute)).rejects.toMatchObject({
    code: 'database-unavailable',
    retry: 'later',
  })
  held.resolve(undefined)
  expect(counts(await Promise.all(waiting))).toEqual(upTo(1_001))
})
