import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { startServer } from './child-server.testing.ts'
import { register } from './testbed.testing.ts'

const rounds = 20
const senders = 8

test('a server killed again and again under load keeps every registration it acknowledged, once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vlt-crash-'))
  const acknowledged = new Map<number, number>()
  const unanswered = new Set<number>()
  let next = 0

  const sendOne = async (port: number, n: number): Promise<void> => {
    const changes = { codigoClienteVLT: n, dni: String(n), tarjeta: n.toString(16).padStart(8, '0') }
    const { status, body } = await register(port, changes, {
      headers: { 'idempotency-key': `n${String(n)}` },
    })
    // Also for one sent again: the first answer, or the first time. A plain duplicate would mean a lost key.
    expect(status).toBe(201)
    acknowledged.set(n, (JSON.parse(body) as { id: number }).id)
    unanswered.delete(n)
  }

  for (let round = 0; round < rounds; round += 1) {
    const server = await startServer([
      'serve',
      ...['--port', '0', '--data', folder, '--vlt-destination', 'lobby', '--vlt-rate-limit', '1000000'],
    ])
    const { port } = server
    if (port === undefined) throw new Error(`round ${String(round)}: ${server.stderr()}`)
    let alive = true
    const again = [...unanswered]
    const load = Array.from({ length: senders }, async () => {
      while (alive) {
        const n = again.pop() ?? ++next
        unanswered.add(n)
        await sendOne(port, n).catch((error: unknown) => {
          // A connection cut by the kill; anything else is a failure.
          if (!(error instanceof Error && 'code' in error)) throw error
        })
      }
    })
    await delay(30 + Math.random() * 200)
    server.process.kill('SIGKILL')
    expect(await server.ended).toBe('SIGKILL')
    alive = false
    await Promise.all(load)
  }

  expect(acknowledged.size).toBeGreaterThan(rounds)
  const file = new Sqlite(join(folder, 'server.db'))
  expect(file.pragma('integrity_check', { simple: true })).toBe('ok')
  const rows = file
    .prepare<[], { n: string; id: number; cards: number; consents: number; keys: number }>(
      `select codigo_cliente_vlt as n, id,
         (select count(*) from cards where client_id = clients.id) as cards,
         (select count(*) from consents where client_id = clients.id) as consents,
         (select count(*) from idempotency_keys where key = 'n' || codigo_cliente_vlt) as keys
       from clients`,
    )
    .all()
  file.close()
  const stored = new Map(rows.map(({ n, id }) => [Number(n), id]))
  for (const [n, id] of acknowledged) expect(stored.get(n), `registration ${String(n)}`).toBe(id)
  // Whole or not at all, whether it was acknowledged or not.
  expect(rows.filter(({ cards, consents, keys }) => cards !== 1 || consents !== 3 || keys !== 1)).toEqual([])
  rmSync(folder, { recursive: true, force: true })
}, 240_000)
