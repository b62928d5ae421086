import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../shared/clock.ts'
import { startServer } from './child-server.testing.ts'
import { openDatabase } from './database/database.ts'
import type { Engine } from './database/schema.ts'
import { createLedger, type Ledger } from './ledger.testing.ts'
import { newPostgresDatabase } from './postgres.testing.ts'
import { engines } from './testbed.testing.ts'

const rounds = 200
// Starting takes most of a round: with as many databases as this the machine is always busy, and no round waits.
const lanes = 4
const senders = 8

interface Lane {
  readonly folder: string
  readonly url: string | undefined
  readonly ledger: Ledger
}

/** One server, killed at a random moment of its load. */
async function killOnce({ folder, url, ledger }: Lane): Promise<void> {
  const server = await startServer([
    'serve',
    ...['--port', '0', '--data', folder, '--vlt-destination', 'lobby', '--log-level', 'error'],
    ...['--vlt-rate-limit', '1000000', '--rate-limit', '1000000'],
    ...(url === undefined ? [] : ['--database-url', url]),
  ])
  const { port } = server
  if (port === undefined) throw new Error(server.stderr())
  let alive = true
  const load = Array.from({ length: senders }, async () => {
    while (alive) {
      const answer = await ledger.sendOne(port)
      // Also for what is sent again: the first answer, or the first time. A plain duplicate would mean a lost key, and
      // a key is busy only as long as PostgreSQL has not noticed that the server before is gone.
      if (answer !== undefined) expect(url === undefined ? [201] : [201, 409]).toContain(answer.status)
    }
  })
  // After some have been acknowledged rather than after some time: so it is under load on a slow machine too.
  const enough = ledger.acknowledged.size + Math.floor(Math.random() * 30)
  while (ledger.acknowledged.size < enough) await delay(1)
  await delay(Math.random() * 15)
  server.process.kill('SIGKILL')
  expect(await server.ended).toBe('SIGKILL')
  alive = false
  await Promise.all(load)
  expect(server.stderr()).toBe('')
}

test.for<Engine>(engines)(
  `a server on %s, killed ${String(rounds)} times under load, keeps all it acknowledged, once and whole`,
  { timeout: 400_000 },
  async (engine) => {
    let left = rounds
    let cut = 0
    const run = async (): Promise<void> => {
      const folder = mkdtempSync(join(tmpdir(), 'vlt-crash-'))
      onTestFinished(() => {
        rmSync(folder, { recursive: true, force: true })
      })
      await using place = engine === 'postgres' ? await newPostgresDatabase() : undefined
      const lane: Lane = { folder, url: place?.url, ledger: createLedger() }
      while (left-- > 0) {
        await killOnce(lane)
        cut += lane.ledger.open.size
      }
      await using database = await openDatabase({ folder, url: place?.url }, systemClock)
      if (engine === 'sqlite') {
        const { rows } = await sql`pragma integrity_check`.execute(database.db)
        expect(rows).toEqual([{ integrity_check: 'ok' }])
      }
      await lane.ledger.expectKept(database.db)
      expect(lane.ledger.acknowledged.size).toBeGreaterThan(rounds)
    }
    await Promise.all(Array.from({ length: lanes }, run))
    // The kills fell into requests, and not between them.
    expect(cut).toBeGreaterThan(rounds)
  },
)
