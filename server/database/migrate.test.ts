import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { newPostgresDatabase } from '../postgres.testing.ts'
import { engines } from '../testbed.testing.ts'
import { openDatabase } from './database.ts'
import { migrationNames } from './migrate.ts'
import { createPool } from './postgres/connect.ts'
import type { Engine } from './schema.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-migrate-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

/** An empty database of its own. */
async function emptyPlace(engine: Engine): Promise<{ folder: string; url: string | undefined }> {
  if (engine === 'sqlite') return { folder, url: undefined }
  const place = await newPostgresDatabase('template1')
  onTestFinished(() => place[Symbol.asyncDispose]())
  return { folder, url: place.url }
}

async function openAndClose(place: { folder: string; url: string | undefined }): Promise<string[]> {
  await using database = await openDatabase(place, systemClock)
  return database.migrated
}

describe.each(engines)('on %s', (engine) => {
  test('an empty database gets the schema once', async () => {
    const place = await emptyPlace(engine)
    expect(await openAndClose(place)).toEqual(migrationNames)
    expect(await openAndClose(place)).toEqual([])
  })

  test('a database of a newer version is refused and left as it is', async () => {
    const place = await emptyPlace(engine)
    {
      await using database = await openDatabase(place, systemClock)
      await sql`insert into kysely_migration values ('9999-later', '2030-01-01')`.execute(database.db)
    }
    for (let time = 0; time < 2; time += 1) {
      await expect(openDatabase(place, systemClock)).rejects.toMatchObject({ code: 'database-too-new' })
    }
  })
})

describe('on PostgreSQL', () => {
  const connected = async (url: string): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    onTestFinished(() => client.end())
    return client
  }
  const tables = async (client: pg.Client): Promise<number> => {
    const { rows } = await client.query<{ n: number }>(
      `select count(*)::integer as n from pg_class where relnamespace = 'public'::regnamespace`,
    )
    return rows[0]?.n ?? -1
  }

  /** How many connections of the program meet the condition. */
  const sessions = async (client: pg.Client, condition: string): Promise<number> => {
    const { rows } = await client.query(
      `select from pg_stat_activity where application_name = 'vlt-server' and datname = current_database()
        and ${condition}`,
    )
    return rows.length
  }

  test('of 8 instances that start together on an empty database one makes the schema, and all come up', async () => {
    const place = await emptyPlace('postgres')
    await using stack = new AsyncDisposableStack()
    const all = await Promise.all(Array.from({ length: 8 }, () => openDatabase(place, systemClock)))
    for (const database of all) stack.use(database)
    expect(all.flatMap(({ migrated }) => migrated)).toEqual(migrationNames)
    await Promise.all(all.map((database) => database.probe()))
  })

  test('a migration that is killed half-way leaves nothing, and the next start makes it', async () => {
    const place = await emptyPlace('postgres')
    const url = place.url ?? ''
    const client = await connected(url)
    // Whoever creates a table of that name now waits for the outcome of this transaction.
    await client.query('begin')
    await client.query('create table mails ()')
    const program = fileURLToPath(new URL('../cli.ts', import.meta.url))
    const migrating = spawn(execPath, [program, 'migrate', '--data', folder, '--database-url', url])
    const ended = once(migrating, 'exit')
    const watcher = await connected(url)
    while ((await sessions(watcher, `wait_event_type = 'Lock' and query like 'create table%'`)) === 0) {
      expect(migrating.exitCode).toBeNull()
      await delay(20)
    }
    migrating.kill('SIGKILL')
    await ended
    await client.query('rollback')
    while ((await sessions(watcher, 'true')) > 0) await delay(20)
    expect(await tables(client)).toBe(0)
    expect(await openAndClose(place)).toEqual(migrationNames)
    expect(await tables(client)).toBeGreaterThan(20)
  })

  test('a migration, and who waits for it, may take longer than any other statement', async () => {
    const { url } = await emptyPlace('postgres')
    const timeout = async (use: Parameters<typeof createPool>[1]): Promise<unknown> => {
      await using pool = createPool(url ?? '', use)
      const client = await pool.connect()
      const { rows } = await client.query<{ statement_timeout: string }>('show statement_timeout', [])
      client.release()
      return rows[0]?.statement_timeout
    }
    expect(await timeout('migrations')).toBe('0')
    expect(await timeout('transactions')).toBe('10s')
    expect(await timeout('statements')).toBe('10s')
  })
})

describe('on SQLite, beside a running server', () => {
  test('a command opens the database', async () => {
    const place = await emptyPlace('sqlite')
    await using _server = await openDatabase(place, systemClock)
    await using command = await openDatabase(place, systemClock, 'command')
    await command.probe()
  })

  test('a command with a newer schema is refused, and changes nothing', async () => {
    const place = await emptyPlace('sqlite')
    await using server = await openDatabase(place, systemClock)
    const last = migrationNames.at(-1)
    // As if the server were of the version before.
    await sql`delete from kysely_migration where name = ${last}`.execute(server.db)
    await expect(openDatabase(place, systemClock, 'command')).rejects.toMatchObject({
      code: 'database-locked',
    })
    await server.probe()
  })

  test('a command that comes before any server makes the database, and lets the server in after', async () => {
    const place = await emptyPlace('sqlite')
    {
      await using command = await openDatabase(place, systemClock, 'command')
      expect(command.migrated).toEqual(migrationNames)
      await using server = await openDatabase(place, systemClock)
      expect(server.migrated).toEqual([])
    }
  })

  test('of two that come first at once, one makes the database and no other may', async () => {
    const place = await emptyPlace('sqlite')
    const both = await Promise.allSettled([
      openDatabase(place, systemClock),
      openDatabase(place, systemClock, 'command'),
    ])
    const made = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expect(made.flatMap(({ migrated }) => migrated)).toEqual(migrationNames)
    for (const one of both) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'database-locked' })
    }
    for (const database of made) await database[Symbol.asyncDispose]()
  })
})
