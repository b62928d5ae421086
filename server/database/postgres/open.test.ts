import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../shared/clock.ts'
import { AppError } from '../../../shared/errors.ts'
import { createLog } from '../../../shared/log.ts'
import { startServer } from '../../child-server.testing.ts'
import { startPostgres } from '../../postgres-cluster.testing.ts'
import { newPostgresDatabase, type PostgresDatabase } from '../../postgres.testing.ts'
import { openDatabase } from '../database.ts'
import { openWire } from './wire.testing.ts'

let folder: string
let place: PostgresDatabase
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-open-'))
  place = await newPostgresDatabase()
})
afterAll(async () => {
  await place[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

async function opening(url: string): Promise<unknown> {
  const database = await openDatabase({ folder, url }, systemClock).catch((error: unknown) => error)
  if (database instanceof Error) return database
  await (database as AsyncDisposable)[Symbol.asyncDispose]()
  return 'opened'
}

/** The test's database at an address with changes. */
function address(
  changes: Partial<Pick<URL, 'password' | 'username' | 'port' | 'hostname' | 'pathname'>>,
  query = '',
) {
  const url = Object.assign(new URL(place.url), { password: 'top-secret', ...changes })
  return `${url.href}${query}`
}

/** A port that takes connections and never says anything. */
async function silentPort(): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => void server.close())
  return String((server.address() as AddressInfo).port)
}

async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return String(port)
}

describe('a database that cannot be used is refused with a code, and without the password', () => {
  test.for<[string, string, () => string | Promise<string>]>([
    ['a wrong password', 'database-refused', () => address({})],
    ['an unknown user', 'database-refused', () => address({ username: 'nobody' })],
    ['no password', 'database-refused', () => address({ password: '' })],
    ['a missing database', 'database-refused', () => address({ password: 'vlt', pathname: '/nowhere' })],
    ['a closed port', 'database-unavailable', async () => address({ port: await closedPort() })],
    ['a port that never answers', 'database-unavailable', async () => address({ port: await silentPort() })],
    // Longer than a name may be, so that nobody outside is asked.
    ['a wrong host name', 'database-unavailable', () => address({ hostname: `${'x'.repeat(64)}.invalid` })],
    ['TLS that the server does not have', 'database-refused', () => address({}, '?sslmode=verify-full')],
    [
      'a certificate that is not there',
      'config-invalid',
      () => address({}, '?sslmode=verify-full&sslrootcert=/nowhere.pem'),
    ],
    [
      'an address that cannot be decoded',
      'config-invalid',
      () => address({}).replace('top-secret', 'top-secret%ff'),
    ],
  ])('%s', async ([, code, url]) => {
    const error = await opening(await url())
    expect(error).toBeInstanceOf(AppError)
    expect(error).toMatchObject({ code })
    const { message, stack, cause } = error as AppError
    expect(JSON.stringify([message, stack, cause, (cause as Error | undefined)?.stack])).not.toContain(
      'top-secret',
    )
  })

  test('a user that may not make tables', async () => {
    const empty = await newPostgresDatabase('template1')
    onTestFinished(() => empty[Symbol.asyncDispose]())
    const client = new pg.Client({ connectionString: empty.url })
    await client.connect()
    const user = `poor_${new URL(empty.url).pathname.slice(1)}`
    await client.query(`create role ${user} login password 'top-secret'`)
    await client.end()
    const url = Object.assign(new URL(empty.url), { username: user, password: 'top-secret' })
    expect(await opening(url.href)).toMatchObject({ code: 'database-refused' })
  })

  test('the program says so and nothing of the password', async () => {
    for (const [url, code] of [
      [address({}), 'database-refused'],
      [address({ port: await closedPort() }), 'database-unavailable'],
    ] as const) {
      for (const command of [['serve', '--port', '0'], ['migrate']]) {
        const run = await startServer([
          ...command,
          ...['--log-level', 'debug', '--data', folder, '--database-url', url].slice(
            command[0] === 'migrate' ? 2 : 0,
          ),
        ])
        expect(await run.ended).not.toBe(0)
        expect(run.stderr()).toContain(`error ${code}: PostgreSQL: `)
        expect(run.stderr()).toContain('hint: ')
        expect(run.stderr() + run.stdout()).not.toContain('top-secret')
      }
    }
  })
})

describe('a database that would lose commits is refused', () => {
  test('that answers before its log is on the disk', async () => {
    const lossy = await newPostgresDatabase()
    onTestFinished(() => lossy[Symbol.asyncDispose]())
    const client = new pg.Client({ connectionString: lossy.url })
    await client.connect()
    await client.query(`alter database ${new URL(lossy.url).pathname.slice(1)} set synchronous_commit = off`)
    await client.end()
    expect(await opening(lossy.url)).toMatchObject({
      code: 'database-not-durable',
      message: 'PostgreSQL runs with synchronous_commit off',
    })
  })

  test('also when the address asks for it', async () => {
    const url = `${place.url}?options=-c%20synchronous_commit%3Doff`
    expect(await opening(url)).toMatchObject({ code: 'database-not-durable' })
  })

  test('that never flushes, also when it is started like that under a running server', async () => {
    const cluster = await startPostgres()
    onTestFinished(() => cluster.stop())
    await using database = await openDatabase({ folder, url: cluster.url }, systemClock)
    await database.probe()
    await sql`alter system set fsync = off`.execute(database.db)
    await cluster.kill()
    await cluster.start()
    // The first ones find out that their connections are gone.
    await expect
      .poll(() => database.probe().catch((error: unknown) => (error as AppError).code))
      .toBe('database-not-durable')
    expect(await opening(cluster.url)).toMatchObject({
      code: 'database-not-durable',
      message: 'PostgreSQL runs with fsync off',
    })
  })
})

test('lost connections are told once, and once that they are back', async () => {
  const wire = await openWire(place.url)
  const lines: string[] = []
  const log = createLog('test', 'fatal')
  log.error = (text: string) => void lines.push(text)
  log.info = (text: string) => void lines.push(text)
  await using database = await openDatabase({ folder, url: wire.url }, systemClock, 'server', log)
  const many = () =>
    Promise.allSettled(Array.from({ length: 10 }, () => database.transact((tx) => sql`select 1`.execute(tx))))
  await many()
  for (let time = 0; time < 2; time += 1) {
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`.execute(database.db)
    await expect.poll(() => lines.length).toBe(time * 2 + 1)
    await many()
    await many()
  }
  expect(lines).toEqual([
    'connections to the database were lost',
    'the database can be reached again',
    'connections to the database were lost',
    'the database can be reached again',
  ])
})

test('an address with any options still keeps stray writes out', async () => {
  expect(inject('postgresUrl')).toContain('postgres://')
  const url = `${place.url}?options=-c%20default_transaction_read_only%3Doff`
  await using database = await openDatabase({ folder, url }, systemClock)
  const outside = database.transact(async (tx) => {
    await sql`rollback`.execute(tx)
    await sql`insert into heartbeat values (7, 'now')`.execute(tx)
  })
  await expect(outside).rejects.toMatchObject({ code: 'database-unavailable' })
})
