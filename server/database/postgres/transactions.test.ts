import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../shared/clock.ts'
import { newPostgresDatabase, type PostgresDatabase } from '../../postgres.testing.ts'
import { type Database, openDatabase } from '../database.ts'
import { lock } from '../locks.ts'
import type { Tx } from '../schema.ts'
import { together } from '../together.ts'
import { trail } from '../trailing.ts'
import { openWire, type Wire } from './wire.testing.ts'

let folder: string
let place: PostgresDatabase
let wire: Wire
let database: Database
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-transactions-'))
  place = await newPostgresDatabase('template1')
  wire = await openWire(place.url)
  database = await openDatabase({ folder, url: wire.url }, systemClock)
  await sql`create table marks (n integer primary key)`.execute(database.db)
})
afterEach(async () => {
  await database[Symbol.asyncDispose]()
  await wire[Symbol.asyncDispose]()
  await place[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

const mark = async (tx: Tx, n: number): Promise<number> => {
  await sql`insert into marks values (${n})`.execute(tx)
  return n
}
const marks = async (): Promise<number[]> =>
  (await sql<{ n: number }>`select n from marks order by n`.execute(database.db)).rows.map(({ n }) => n)

/** Sessions of the server that are in a transaction, or in the ruins of one. */
const dirty = async (): Promise<unknown[]> =>
  (
    await sql`select state, query from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
      and state like 'idle in transaction%'`.execute(database.db)
  ).rows

const pidOf = async (tx: Tx): Promise<number> => {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
  return rows[0]?.pid ?? 0
}

test('what a work asks for together travels together, and its beginning with it', async () => {
  let seen = ''
  wire.alter((bytes) => {
    seen += bytes
    return bytes
  })
  let letGo: (() => void) | undefined
  const work = database.transact(async (tx) => {
    letGo = wire.holdAnswers()
    await together(
      lock(tx, ['name']),
      sql`select ${1}::integer as one`.execute(tx),
      sql`select ${2}::integer as two`.execute(tx),
    )
  })
  const told = ['begin isolation', 'pg_advisory_xact_lock', 'as one', 'as two']
  await expect.poll(() => told.filter((text) => seen.includes(text))).toEqual(told)
  letGo?.()
  await work
})

test('what a work leaves for its end travels together with the commit', async () => {
  const seen: string[] = []
  wire.alter((bytes) => {
    seen.push(bytes)
    return bytes
  })
  await database.transact(async (tx) => {
    await mark(tx, 1)
    trail(tx, sql`insert into marks select ${2}`.compile(tx))
    trail(tx, sql`insert into marks select ${3} where true`.compile(tx))
  })
  const together = seen.filter((bytes) => bytes.includes('insert into marks select'))
  expect(together).toEqual([expect.stringMatching(/marks select \$1.*where true.*commit/s)])
  expect(await marks()).toEqual([1, 2, 3])
})

describe('a transaction that did not begin', () => {
  // Same length, so that the message stays whole: PostgreSQL answers with a syntax error.
  const spoilBegin = () => {
    wire.alter((bytes) => bytes.replaceAll('begin isolation', 'bogus isolation'))
  }

  test.for<[string, (tx: Tx) => Promise<unknown>]>([
    ['one statement', (tx) => mark(tx, 1)],
    ['statements sent together', (tx) => together(mark(tx, 1), mark(tx, 2))],
    [
      'statements one after the other, whose errors are swallowed',
      async (tx) => {
        await mark(tx, 1).catch(() => 0)
        await mark(tx, 2).catch(() => 0)
      },
    ],
    [
      'statements left for the end',
      (tx) => {
        for (const n of [1, 2]) trail(tx, sql`insert into marks values (${n})`.compile(tx))
        return Promise.resolve()
      },
    ],
    ['a read', (tx) => sql`select n from marks`.execute(tx)],
    ['nothing', () => Promise.resolve()],
  ])('stores nothing and is told: %s', async ([, work]) => {
    spoilBegin()
    await expect(database.transact(work)).rejects.toThrow()
    expect(await marks()).toEqual([])

    wire.alter((bytes) => bytes)
    await database.transact((tx) => mark(tx, 3))
    expect(await marks()).toEqual([3])
  })

  test('spoils none of those that run beside it', async () => {
    let calls = 0
    wire.alter((bytes) =>
      bytes.replaceAll('begin isolation', (text) => (++calls % 3 === 0 ? 'bogus isolation' : text)),
    )
    const answers = await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) =>
        database.transact(async (tx) => {
          await mark(tx, n)
          return mark(tx, n + 1_000)
        }),
      ),
    )
    const kept = answers.flatMap((answer, n) => (answer.status === 'fulfilled' ? [n, n + 1_000] : []))
    expect(kept.length).toBeGreaterThan(100)
    expect(kept.length).toBeLessThan(150)
    expect(await marks()).toEqual(kept.sort((a, b) => a - b))
  })
})

test('a statement that a work sends after its transaction has ended is not stored', async () => {
  const ending = Promise.withResolvers<undefined>()
  wire.alter((bytes) => {
    if (bytes.includes('rollback')) ending.resolve(undefined)
    return bytes
  })
  let stray: Promise<number> | undefined
  let letGo: (() => void) | undefined
  const work = database.transact(async (tx) => {
    await mark(tx, 1)
    letGo = wire.holdAnswers()
    stray = ending.promise.then(() => mark(tx, 2))
    stray.catch(() => undefined)
    throw new Error('no')
  })
  work.catch(() => undefined)
  // The rollback is on its way and not answered: time for the stray one to be sent.
  await ending.promise
  await delay(100)
  letGo?.()
  await expect(work).rejects.toThrow('no')
  await expect(stray).rejects.toThrow('after the end of its transaction')
  expect(await marks()).toEqual([])
})

describe('a statement that fails', () => {
  test('undoes the others of its work, and is the one that is told', async () => {
    await database.transact((tx) => mark(tx, 1))
    const work = database.transact((tx) =>
      together(
        (async () => {
          await mark(tx, 2)
          // By now the statement behind has failed, and with it this one.
          await mark(tx, 3)
        })(),
        mark(tx, 1),
        mark(tx, 4),
      ),
    )
    await expect(work).rejects.toMatchObject({ code: '23505' })
    expect(await marks()).toEqual([1])
  })

  test('leaves no connection dirty, whatever comes of 300 works on 10 connections', async () => {
    const answers = await Promise.allSettled(
      Array.from({ length: 300 }, (_, n) =>
        database.transact(async (tx) => {
          await mark(tx, n)
          if (n % 5 === 0) throw new Error('no')
          if (n % 5 === 1) await together(mark(tx, n + 1_000), mark(tx, n), mark(tx, n + 2_000))
          if (n % 5 === 2) await sql`select nonsense`.execute(tx)
          if (n % 5 === 3) await sql`select 1 / ${0}::integer`.execute(tx).catch(() => undefined)
          return n
        }),
      ),
    )
    expect(answers.map(({ status }) => status === 'fulfilled')).toEqual(answers.map((_, n) => n % 5 === 4))
    expect(await marks()).toEqual(answers.map((_, n) => n).filter((n) => n % 5 === 4))
    expect(await dirty()).toEqual([])
  })

  test('does not tell the log what stood in the row', async () => {
    await sql`create table people (name text not null, age integer not null)`.execute(database.db)
    const failures = await Promise.allSettled([
      database.transact((tx) => sql`insert into people values (${'Secreto'}, null)`.execute(tx)),
      database.transact((tx) => sql`insert into people values ('', ${'Secreto'}::integer)`.execute(tx)),
      database.query((db) => sql`insert into people values (${'Secreto'}, null)`.execute(db)),
    ])
    for (const failure of failures) {
      const error = failure.status === 'rejected' ? (failure.reason as Error) : undefined
      expect(error).toBeInstanceOf(Error)
      expect(inspect(error)).not.toContain('Secreto')
    }
  })
})

describe('conflicts', () => {
  test('of two works that wait for each other both succeed', async () => {
    await database.transact((tx) => together(mark(tx, 1), mark(tx, 2)))
    const meet = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
    let runs = 0
    const change = (mine: number, first: number, second: number) =>
      database.transact(async (tx) => {
        runs += 1
        await sql`update marks set n = n where n = ${first}`.execute(tx)
        meet[mine]?.resolve(undefined)
        await meet[1 - mine]?.promise
        await sql`update marks set n = n where n = ${second}`.execute(tx)
      })
    await Promise.all([change(0, 1, 2), change(1, 2, 1)])
    expect(runs).toBeGreaterThanOrEqual(3)
  })

  const serializationFailure = sql`do $$ begin raise exception 'conflict' using errcode = '40001'; end $$`

  test('a work that had to be ended is done again, and stores once', async () => {
    let runs = 0
    await database.transact(async (tx) => {
      runs += 1
      await mark(tx, runs)
      if (runs < 5) await serializationFailure.execute(tx)
    })
    expect(await marks()).toEqual([5])
  })

  test('one that never gets through is told to come back', async () => {
    let runs = 0
    const work = database.transact(async (tx) => {
      runs += 1
      await serializationFailure.execute(tx)
    })
    await expect(work).rejects.toMatchObject({ code: 'database-unavailable', retry: 'later' })
    expect(runs).toBe(5)
  })

  test('a read behind a lock sees what its holder wrote, whatever the database has as its default', async () => {
    await sql`do $$ begin execute format('alter database %I set default_transaction_isolation = serializable',
      current_database()); end $$`.execute(database.db)
    await using fresh = await openDatabase({ folder, url: wire.url }, systemClock)
    const next = (): Promise<number> =>
      fresh.transact(async (tx) => {
        const [, { rows }] = await together(
          lock(tx, ['marks']),
          sql<{ next: number }>`select coalesce(max(n), 0) + 1 as next from marks`.execute(tx),
        )
        return mark(tx, rows[0]?.next ?? 0)
      })
    const numbers = await Promise.all(Array.from({ length: 20 }, next))
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
  })
})

describe('a connection that ends in the middle of a work', () => {
  test.for<[string, (tx: Tx) => Promise<unknown>]>([
    [
      'by an administrator',
      async (tx) => {
        const pid = await pidOf(tx)
        await sql`select pg_terminate_backend(${pid})`.execute(database.db)
        await mark(tx, 2)
      },
    ],
    [
      'because the work did nothing for too long',
      async (tx) => {
        await sql`set local idle_in_transaction_session_timeout = 50`.execute(tx)
        await delay(300)
        await mark(tx, 2)
      },
    ],
  ])('%s: it is undone and told so, and the next one works', async ([, end]) => {
    const work = database.transact(async (tx) => {
      await mark(tx, 1)
      await end(tx)
    })
    await expect(work).rejects.toMatchObject({ code: 'database-unavailable' })
    expect(await marks()).toEqual([])
    await database.transact((tx) => mark(tx, 3))
    expect(await marks()).toEqual([3])
  })

  test('a statement over its time is undone alone, and its connection serves on', async () => {
    const work = database.transact(async (tx) => {
      await mark(tx, 1)
      await sql`set local statement_timeout = 50`.execute(tx)
      await sql`select pg_sleep(5)`.execute(tx)
    })
    await expect(work).rejects.toMatchObject({ code: 'database-unavailable' })
    await database.transact((tx) => mark(tx, 2))
    expect(await marks()).toEqual([2])
    expect(await dirty()).toEqual([])
  })
})

test('who would wait behind a thousand others is told to come back at once', async () => {
  const held = Promise.withResolvers<undefined>()
  const holding = Array.from({ length: 10 }, () => database.transact(() => held.promise))
  const waiting = Array.from({ length: 1_000 }, (_, n) => database.transact((tx) => mark(tx, n)))
  const late = database.transact((tx) => mark(tx, 5_000))
  await expect(late).rejects.toMatchObject({ code: 'database-unavailable', retry: 'later' })
  held.resolve(undefined)
  await Promise.all([...holding, ...waiting])
  expect((await marks()).length).toBe(1_000)
})
