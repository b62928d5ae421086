import { tmpdir } from 'node:os'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startServer } from '../child-server.testing.ts'
import { createPasswords } from '../security/passwords.ts'
import { engines, openTestbed, register, send, type Sent, type Testbed } from '../testbed.testing.ts'
import { programVersion } from '../version.ts'
import { createMetrics } from './metrics.ts'

const ask: Sent = { method: 'GET', path: '/metrics', headers: {} }

async function figures(port: number): Promise<string[]> {
  const { status, headers, body } = await send(port, ask)
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  return body.split('\n')
}

/** The figure of a name with its labels. */
function figure(lines: string[], name: string): number | undefined {
  const line = lines.find((text) => text.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

describe.each(engines)('a server on %s', (engine) => {
  test('counts answers by route pattern and times them', async () => {
    await using bed = await openTestbed({ engine })
    await register(bed.port)
    await register(bed.port, {}, { path: '/api/clientes/register/?secret=1' })
    await register(bed.port, { correo: undefined })
    await send(bed.port, { method: 'GET', path: '/secret/74658993', headers: {} })
    await send(bed.port, { method: 'PUT', path: '/api/clientes/register', headers: {} })
    const lines = await figures(bed.port)
    const requests = lines.filter((line) => line.startsWith('vlt_http_requests_total{')).sort()
    const route = 'route="/api/clientes/register"'
    expect(requests).toEqual([
      'vlt_http_requests_total{method="GET",route="none",status="404"} 1',
      `vlt_http_requests_total{method="POST",${route},status="200"} 1`,
      `vlt_http_requests_total{method="POST",${route},status="201"} 1`,
      `vlt_http_requests_total{method="POST",${route},status="422"} 1`,
      'vlt_http_requests_total{method="PUT",route="none",status="405"} 1',
    ])
    expect(figure(lines, `vlt_http_request_duration_seconds_count{method="POST",${route}}`)).toBe(3)
    expect(figure(lines, `vlt_http_request_duration_seconds_sum{method="POST",${route}}`)).toBeLessThan(30)
  })

  test('says whether its database takes writes, and which engine it is', async () => {
    await using bed = await openTestbed({ engine })
    const before = await figures(bed.port)
    expect(figure(before, 'vlt_database_up')).toBe(1)
    expect(figure(before, `vlt_build_info{version="test",engine="${engine}"}`)).toBe(1)
    await bed.database.db.schema.alterTable('heartbeat').renameTo('heartbeat_away').execute()
    bed.clock.advance(1_000)
    const without = await figures(bed.port)
    expect(figure(without, 'vlt_database_up')).toBe(0)
    expect(figure(without, 'vlt_mails_pending')).toBeNaN()
  })

  test('counts the mails that have not left', async () => {
    await using bed = await openTestbed({ engine })
    const mails = async (): Promise<(number | undefined)[]> => {
      const lines = await figures(bed.port)
      return ['pending', 'dead', 'oldest_pending_seconds'].map((name) => figure(lines, `vlt_mails_${name}`))
    }
    expect(await mails()).toEqual([0, 0, 0])
    const mail = { to: 'juan@example.com', subject: 's', text: 't', html: 'h' }
    for (let count = 0; count < 3; count += 1)
      await bed.database.transact((tx) => bed.mailbox.queue(tx, mail))
    await bed.database.db.updateTable('mails').set({ state: 'dead' }).where('id', '=', 2).execute()
    bed.clock.advance(90_000)
    expect(await mails()).toEqual([2, 1, 90])
  })
})

test('passwords being hashed and waiting are counted', async () => {
  const cores = 2
  const passwords = createPasswords(Buffer.alloc(32), cores)
  const databaseWorks = () => Promise.resolve(true)
  const mailBacklog = () => Promise.reject(new Error('no database'))
  const kiosks = () => Promise.reject(new Error('no database'))
  const watched = {
    version: 'test',
    engine: 'sqlite',
    passwords,
    databaseWorks,
    mailBacklog,
    kiosks,
  } as const
  const metrics = createMetrics(watched)
  const read = async (): Promise<(number | undefined)[]> => {
    const lines = (await metrics.read()).text.split('\n')
    return ['running', 'waiting'].map((state) => figure(lines, `vlt_passwords_${state}`))
  }
  expect(await read()).toEqual([0, 0])
  const hashes = Array.from({ length: cores + 3 }, () => passwords.hash('a password'))
  expect(await read()).toEqual([cores, 3])
  await Promise.all(hashes)
  expect(await read()).toEqual([0, 0])
})

describe('who may read the figures', () => {
  async function status(bed: Testbed, sent: Sent = {}): Promise<number> {
    return (await send(bed.port, { ...ask, ...sent })).status
  }

  test('this machine, by default', async () => {
    await using bed = await openTestbed()
    expect(await status(bed)).toBe(200)
    expect(await status(bed, { from: '127.0.0.9' })).toBe(200)
  })

  test('nobody whom a proxy on this machine stands for, whatever the proxy claims', async () => {
    await using bed = await openTestbed({ trustedProxy: ['127.0.0.0/8'] })
    expect(await status(bed, { headers: { 'x-forwarded-for': '127.0.0.1' } })).toBe(403)
    expect(await status(bed, { headers: { forwarded: 'for=127.0.0.1' } })).toBe(403)
  })

  test('the address ranges of the settings, and then no others', async () => {
    await using bed = await openTestbed({ flags: { metricsFrom: '127.0.0.7/32, 10.0.0.0/8' } })
    expect(await status(bed, { from: '127.0.0.7' })).toBe(200)
    const { status: refused, headers, body } = await send(bed.port, ask)
    expect([refused, headers['content-type']]).toEqual([403, 'application/json'])
    expect(Object.keys(JSON.parse(body) as object)).toEqual(['message'])
  })
})

test('the program adds figures of its process, and takes ranges as repeated flags', async () => {
  const data = mkdtempSync(join(tmpdir(), 'vlt-metrics-'))
  const ranges = ['--metrics-from', '10.0.0.0/8', '--metrics-from', '127.0.0.1/32']
  const server = await startServer(['serve', '--port', '0', '--data', data, ...ranges])
  onTestFinished(async () => {
    server.process.kill('SIGKILL')
    await server.ended
    rmSync(data, { recursive: true, force: true })
  })
  const lines = await figures(server.port ?? 0)
  expect(figure(lines, 'process_resident_memory_bytes')).toBeGreaterThan(1_000_000)
  expect(figure(lines, `vlt_build_info{version="${programVersion()}",engine="sqlite"}`)).toBe(1)
  expect((await send(server.port ?? 0, { ...ask, from: '127.0.0.2' })).status).toBe(403)
})
