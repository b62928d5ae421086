import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../shared/clock.ts'
import { type ChildServer, startServer } from '../../child-server.testing.ts'
import { createLedger, type Ledger } from '../../ledger.testing.ts'
import { type Cluster, startPostgres } from '../../postgres-cluster.testing.ts'
import { type Received, send } from '../../testbed.testing.ts'
import { openDatabase } from '../database.ts'

let folder: string
let cluster: Cluster
let server: ChildServer & { port: number }
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-gone-'))
  cluster = await startPostgres()
  const started = await startServer([
    ...['serve', '--port', '0', '--data', folder, '--database-url', cluster.url],
    ...['--vlt-destination', 'lobby', '--vlt-rate-limit', '1000000', '--log-level', 'warn'],
  ])
  if (started.port === undefined) throw new Error(started.stderr())
  server = { ...started, port: started.port }
})
afterEach(async () => {
  server.process.kill('SIGKILL')
  await server.ended
  await cluster.stop()
  rmSync(folder, { recursive: true })
})

interface Load {
  /** Every answer so far, with how long it took. */
  readonly answers: (Received & { tookMs: number })[]
  /** Requests whose connection broke. */
  readonly broken: () => number
  stop(): Promise<void>
}

function startLoad(ledger: Ledger, senders: number): Load {
  const answers: Load['answers'] = []
  let broken = 0
  let running = true
  const all = Promise.all(
    Array.from({ length: senders }, async () => {
      while (running) {
        const begun = performance.now()
        const answer = await ledger.sendOne(server.port)
        if (answer === undefined) broken += 1
        else answers.push({ ...answer, tookMs: performance.now() - begun })
        if (answer?.status !== 201) await delay(10)
      }
    }),
  )
  return {
    answers,
    broken: () => broken,
    async stop() {
      running = false
      await all
    },
  }
}

async function health(path: 'live' | 'ready'): Promise<number> {
  return (await send(server.port, { method: 'GET', path: `/health/${path}` })).status
}

/** Sends what is open until everything is acknowledged; a key whose first request still runs takes a moment. */
async function settle(ledger: Ledger): Promise<void> {
  while (ledger.open.size > 0) {
    const answer = await ledger.sendOne(server.port)
    if (answer?.status !== 201) await delay(50)
  }
}

async function expectKept(ledger: Ledger): Promise<void> {
  await using database = await openDatabase({ folder, url: cluster.url }, systemClock, 'command')
  await ledger.expectKept(database.db)
  const clients = await database.db.selectFrom('clients').select('id').execute()
  const accounts = await database.db.selectFrom('user_accounts').select('id').execute()
  expect(clients.length + accounts.length).toBe(ledger.acknowledged.size)
}

/** Each API in its own words. */
const unavailable = [{ message: 'Service Unavailable' }, { error: 'Servicio no disponible por el momento' }]

function expectRefusals(answers: Received[]): void {
  const refused = answers.filter(({ status }) => status !== 201)
  expect(refused.length).toBeGreaterThan(0)
  for (const { status, headers, body } of refused) {
    expect([status, headers['retry-after']]).toEqual([503, '5'])
    expect(unavailable).toContainEqual(JSON.parse(body))
  }
}

test('a PostgreSQL that is killed under load: 503 until it is back, nothing lost, nothing doubled', async () => {
  const ledger = createLedger()
  const load = startLoad(ledger, 16)
  for (let time = 0; time < 3; time += 1) {
    const before = ledger.acknowledged.size
    await expect.poll(() => ledger.acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(before + 50)
    await cluster.kill()
    await expect.poll(() => health('ready'), { timeout: 5_000 }).toBe(503)
    expect(await health('live')).toBe(200)
    await delay(500)
    await cluster.start()
    await expect.poll(() => health('ready'), { timeout: 20_000 }).toBe(200)
  }
  await load.stop()
  await settle(ledger)

  expect(load.broken()).toBe(0)
  expectRefusals(load.answers.filter(({ status }) => status !== 409))
  expect(server.process.exitCode).toBeNull()
  await expectKept(ledger)
  expect(server.stderr()).not.toContain('vlt:vlt')
})

test('a PostgreSQL that stands still: every request is told within 20 s, and it recovers', async () => {
  const ledger = createLedger()
  const load = startLoad(ledger, 40)
  await expect.poll(() => ledger.acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(100)
  cluster.pause()
  await expect.poll(() => health('ready'), { timeout: 8_000 }).toBe(503)
  expect(await health('live')).toBe(200)
  await delay(16_000)
  cluster.resume()
  await expect.poll(() => health('ready'), { timeout: 20_000 }).toBe(200)
  const after = ledger.acknowledged.size
  await expect.poll(() => ledger.acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(after + 50)
  await load.stop()
  await settle(ledger)

  expect(load.broken()).toBe(0)
  expectRefusals(load.answers.filter(({ status }) => status !== 409))
  expect(Math.max(...load.answers.map(({ tookMs }) => tookMs))).toBeLessThan(20_000)
  await expectKept(ledger)
}, 90_000)
