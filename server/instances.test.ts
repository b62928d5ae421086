import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../shared/clock.ts'
import { type ChildServer, startServer } from './child-server.testing.ts'
import { type Database, openDatabase } from './database/database.ts'
import { createLedger } from './ledger.testing.ts'
import { newPostgresDatabase, type PostgresDatabase } from './postgres.testing.ts'
import { register, type Received } from './testbed.testing.ts'

const parallel = 64
const numbers = Array.from({ length: parallel }, (_, place) => place + 1)
const card = (n: number): string => n.toString(16).padStart(8, '0')

let folder: string
let place: PostgresDatabase
let database: Database
let instances: ChildServer[]
let balancer: Balancer
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-instances-'))
  place = await newPostgresDatabase()
  database = await openDatabase({ folder, url: place.url }, systemClock, 'command')
})
afterEach(async () => {
  await balancer[Symbol.asyncDispose]()
  for (const { process, ended } of instances) {
    process.kill('SIGKILL')
    await ended
  }
  await database[Symbol.asyncDispose]()
  await place[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** Two servers on one database, with one keys file, behind one port. */
async function startBoth(vltRateLimit: number): Promise<void> {
  instances = await Promise.all(
    ['one', 'other'].map((name) =>
      startServer([
        ...['serve', '--port', '0', '--data', join(folder, name), '--keys', join(folder, 'keys.json')],
        ...['--database-url', place.url, '--vlt-destination', 'lobby', '--log-level', 'error'],
        ...['--vlt-rate-limit', String(vltRateLimit), '--rate-limit', '1000000'],
      ]),
    ),
  )
  balancer = await openBalancer(instances.map((server) => server.port ?? expect.fail(server.stderr())))
}

interface Balancer extends AsyncDisposable {
  readonly port: number
  /** Connections so far, for each of the ports behind. */
  readonly taken: number[]
}

/** Gives connections to the ports in turn; one that takes none is passed over. */
async function openBalancer(ports: number[]): Promise<Balancer> {
  const taken = ports.map(() => 0)
  let turn = 0
  const join = (client: Socket, tries: number): void => {
    const index = turn++ % ports.length
    const upstream = connect(ports[index] ?? 0, '127.0.0.1')
    upstream.once('connect', () => {
      taken[index] = (taken[index] ?? 0) + 1
      client.pipe(upstream).pipe(client)
    })
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' && tries > 1) join(client, tries - 1)
      else client.destroy()
    })
    upstream.on('close', (failed) => {
      if (!failed) client.destroy()
    })
    client.on('error', () => upstream.destroy())
  }
  const server = createServer((client) => {
    join(client, ports.length)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    taken,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

function tally(answers: Received[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const { status, body } of answers) {
    const { mensaje } = JSON.parse(body) as { mensaje?: string }
    const name = `${String(status)} ${mensaje ?? ''}`.trim()
    found[name] = (found[name] ?? 0) + 1
  }
  return found
}

async function rows(table: 'clients' | 'cards' | 'consents' | 'idempotency_keys'): Promise<number> {
  return (await database.db.selectFrom(table).selectAll().execute()).length
}

describe('the rate limit holds for both together', () => {
  const empty = () => register(balancer.port, { codigoClienteVLT: undefined })

  test('the 61st of a minute is refused, wherever it lands', async () => {
    await startBoth(60)
    for (let n = 1; n <= 60; n += 1) {
      const { status, headers } = await empty()
      expect([status, headers['x-ratelimit-remaining']]).toEqual([422, String(60 - n)])
    }
    for (const _instance of instances) expect((await register(balancer.port)).status).toBe(429)
    expect(balancer.taken).toEqual([31, 31])
  })

  test('also when 200 come at once', async () => {
    await startBoth(60)
    const answers = await Promise.all(Array.from({ length: 200 }, empty))
    const passed = answers.filter(({ status }) => status === 422)
    expect(tally(answers)).toEqual({ 422: 60, 429: 140 })
    expect(
      passed.map(({ headers }) => Number(headers['x-ratelimit-remaining'])).sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 60 }, (_, n) => n))
    expect(balancer.taken).toEqual([100, 100])
  })
})

describe('what is sent to both at once happens once', () => {
  test('one idempotency key: one answer, and the others replay it or are told to wait', async () => {
    await startBoth(1_000_000)
    for (let round = 1; round <= 20; round += 1) {
      const changes = { codigoClienteVLT: round, dni: String(round), tarjeta: card(round) }
      const headers = { 'idempotency-key': `round-${String(round)}` }
      const send = () => register(balancer.port, changes, { headers })
      const answers = await Promise.all([send(), send(), send(), send()])
      const first = answers.filter(
        ({ status, headers }) => status === 201 && headers['idempotency-replayed'] === undefined,
      )
      const replayed = answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true')
      const waiting = answers.filter(({ status }) => status === 409)
      expect([first.length, replayed.length + waiting.length]).toEqual([1, 3])
      for (const { status, body } of replayed) expect([status, body]).toEqual([201, first[0]?.body])
      expect(await send()).toMatchObject({ status: 201, body: first[0]?.body })
      expect([await rows('clients'), await rows('idempotency_keys')]).toEqual([round, round])
    }
  })

  test('64 posts of one card make one client and 63 duplicates', async () => {
    await startBoth(1_000_000)
    const answers = await Promise.all(numbers.map(() => register(balancer.port)))
    expect(tally(answers)).toEqual({ '201 cliente nuevo': 1, '200 registro duplicado': 63 })
    expect([await rows('clients'), await rows('cards'), await rows('consents')]).toEqual([1, 1, 3])
    expect(balancer.taken).toEqual([32, 32])
  })

  test('64 posts of one codigo with different cards make one client', async () => {
    await startBoth(1_000_000)
    const answers = await Promise.all(
      numbers.map((n) => register(balancer.port, { tarjeta: card(n), dni: undefined })),
    )
    expect(tally(answers)).toEqual({
      '201 cliente nuevo': 1,
      '201 tarjeta agregada al cliente existente': 63,
    })
    expect([await rows('clients'), await rows('cards'), await rows('consents')]).toEqual([1, 64, 192])
  })

  test('64 posts of one document with different codigos and cards make one client', async () => {
    await startBoth(1_000_000)
    const answers = await Promise.all(
      numbers.map((n) => register(balancer.port, { tarjeta: card(n), codigoClienteVLT: n })),
    )
    expect(answers.map(({ status }) => status)).toEqual(numbers.map(() => 201))
    expect([await rows('clients'), await rows('cards')]).toEqual([1, 64])
  })
})

test('one that is killed under load leaves the other free to go on, and nothing half done', async () => {
  await startBoth(1_000_000)
  const ledger = createLedger()
  let running = true
  const refused: number[] = []
  const load = Promise.all(
    Array.from({ length: 16 }, async () => {
      while (running) {
        const answer = await ledger.sendOne(balancer.port)
        if (answer !== undefined && answer.status !== 201) refused.push(answer.status)
      }
    }),
  )
  const [one] = instances
  await expect.poll(() => ledger.acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(100)
  one?.process.kill('SIGKILL')
  await one?.ended
  const before = ledger.acknowledged.size
  await expect.poll(() => ledger.acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(before + 100)
  running = false
  await load
  while (ledger.open.size > 0) {
    if ((await ledger.sendOne(balancer.port))?.status !== 201) await delay(50)
  }
  // What the dead one was at is busy for the moment until PostgreSQL has noticed.
  expect(refused.filter((status) => status !== 409)).toEqual([])
  await ledger.expectKept(database.db)
  expect(instances[1]?.process.exitCode).toBeNull()
})
