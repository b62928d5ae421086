import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Clock } from '../shared/clock.ts'
import { createLog } from '../shared/log.ts'
import { createApp } from './app.ts'
import { readSettings } from './config.ts'
import { openCore, type Core } from './core.ts'
import { createDatabaseCheck } from './health.ts'
import { readKioskFigures } from './kiosks/figures.ts'
import { readMailBacklog } from './mail/upkeep.ts'
import { createMetrics } from './metrics/metrics.ts'
import { createIdempotency } from './idempotency/idempotency.ts'
import type { Engine } from './database/schema.ts'
import { newPostgresDatabase } from './postgres.testing.ts'
import { memoryHits } from './rate-limit/memory-hits.ts'
import { sharedHits } from './rate-limit/shared-hits.ts'

/** A clock that tests move by hand; sleeping takes no time of its own and ends only with its signal. */
export interface HandClock extends Clock {
  advance(ms: number): void
}

export function handClock(start = '2026-03-01T12:00:00.000Z'): HandClock {
  let passed = 0
  return {
    now: () => new Date(Date.parse(start) + passed).toISOString(),
    monoMs: () => passed,
    sleep: (_ms, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          resolve()
        })
      }),
    advance(ms) {
      passed += ms
    },
  }
}

/** What every test of storing runs on. */
export const engines: Engine[] = ['sqlite', 'postgres']

export interface Testbed extends Core {
  readonly app: ReturnType<typeof createApp>
  readonly port: number
  readonly folder: string
  readonly clock: HandClock
  readonly stopping: AbortController
}

/** Where servers keep their data, and what time it is there. */
export interface TestPlace extends AsyncDisposable {
  readonly folder: string
  readonly databaseUrl: string | undefined
  readonly clock: HandClock
}

/** A new and empty place: servers may come to it one after the other, and on PostgreSQL also side by side. */
export async function newPlace(engine: Engine = 'sqlite'): Promise<TestPlace> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'vlt-server-')), (path) => {
    rmSync(path, { recursive: true, force: true })
  })
  const databaseUrl = engine === 'postgres' ? stack.use(await newPostgresDatabase()).url : undefined
  const owned = stack.move()
  return { folder, databaseUrl, clock: handClock(), [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

export interface TestbedOptions {
  /** The embedded one unless told. */
  engine?: Engine
  /** Null for none. */
  vltDestination?: string | null
  vltRateLimit?: number
  trustedProxy?: string[]
  /** Any other setting, as a flag would give it. */
  flags?: Record<string, unknown>
  /** A place of its own, on `engine`, unless told. */
  place?: TestPlace
}

/** The whole server on a port and a database of its own: only the clock is not the real one. */
export async function openTestbed(options: TestbedOptions = {}): Promise<Testbed> {
  await using stack = new AsyncDisposableStack()
  const { folder, databaseUrl, clock } = options.place ?? stack.use(await newPlace(options.engine))
  const log = createLog('testbed', 'error')
  const settings = readSettings(
    {
      data: folder,
      databaseUrl,
      vltDestination: options.vltDestination === null ? undefined : (options.vltDestination ?? 'lobby'),
      vltRateLimit: options.vltRateLimit ?? 1_000_000,
      rateLimit: 1_000_000,
      trustedProxy: options.trustedProxy,
      ...options.flags,
    },
    {},
  )
  const core = stack.use(await openCore(settings, clock, 'server'))
  const { database, vault, passwords } = core
  const stopping = new AbortController()
  const databaseWorks = createDatabaseCheck(database, clock, log)
  const app = createApp({
    settings,
    core,
    idempotency: createIdempotency(database, vault, clock),
    hits: database.engine === 'postgres' ? sharedHits(database) : memoryHits(clock),
    databaseWorks,
    metrics: createMetrics({
      version: 'test',
      engine: database.engine,
      passwords,
      databaseWorks,
      mailBacklog: () => readMailBacklog(database, clock),
      kiosks: () => readKioskFigures(database, clock),
    }),
    stopping: stopping.signal,
    clock,
    log,
  })
  stack.defer(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const opened = stack.move()
  return { ...core, app, port, folder, clock, stopping, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

export interface Sent {
  method?: string
  path?: string
  headers?: Record<string, string>
  /** Sent as it is. */
  body?: string | Buffer
  /** Loopback address the request comes from: limits count per address. */
  from?: string
}

export interface Received {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

/** One request over a connection of its own. */
export function send(port: number, sent: Sent = {}): Promise<Received> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port,
        method: sent.method ?? 'POST',
        path: sent.path ?? '/api/clientes/register',
        headers: sent.headers ?? { 'content-type': 'application/json' },
        localAddress: sent.from,
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const body = Buffer.concat(chunks).toString('utf8')
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
        })
      },
    )
    request.on('error', reject)
    request.end(sent.body)
  })
}

/** The document's example client with a card, as an object to change. */
export function exampleBody(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    tipoDocumento: 1,
    dni: '74658993',
    nombre: 'Brandon',
    apellidoPaterno: 'Mamani',
    apellidoMaterno: 'Ayala',
    fechaNacimiento: '1995-04-23T13:47:04.200Z',
    direccion: 'Av. Bolognesi 123',
    telefono: '928570056',
    ubigeo: '230101',
    sexo: 1,
    codigoClienteVLT: 70,
    correo: 'cliente70@gmail.com',
    enviarWhatsApp: true,
    enviarCorreo: true,
    enviarSms: true,
    tarjeta: 'A0C2BBCA',
    ...changes,
  }
}

/** Registers the example client with changes; `undefined` leaves a field out. */
export function register(
  port: number,
  changes: Record<string, unknown> = {},
  sent: Sent = {},
): Promise<Received> {
  return send(port, {
    ...sent,
    headers: { 'content-type': 'application/json', ...sent.headers },
    body: JSON.stringify(exampleBody(changes)),
  })
}

/** Bytes as they are, and whatever comes back until the server closes the connection. */
export function sendBytes(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => (received += chunk))
    socket.on('close', () => {
      resolve(received)
    })
    socket.on('error', reject)
  })
}

/** Keeps writers waiting until `release`, so that requests which come meanwhile are seen in flight together. */
export async function holdWrites(
  { database }: Testbed,
  table = 'clients',
): Promise<{ release: () => Promise<void> }> {
  const held = Promise.withResolvers<undefined>()
  const release = Promise.withResolvers<undefined>()
  const done = database.transact(async (tx) => {
    // SQLite has one writer anyway; PostgreSQL must be told whom to stop.
    if (database.engine === 'postgres') {
      await sql`lock table ${sql.table(table)} in exclusive mode`.execute(tx)
    }
    held.resolve(undefined)
    await release.promise
  })
  await held.promise
  return {
    release: () => {
      release.resolve(undefined)
      return done
    },
  }
}
