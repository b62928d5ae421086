import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type ChildServer, startServer } from './child-server.testing.ts'
import { migrationNames } from './database/migrate.ts'
import { exampleBody, register, send } from './testbed.testing.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-serve-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** A server on a free port with the test's folder; killed when the test ends before it does. */
async function serve(
  args: string[] = [],
  env?: Record<string, string>,
): Promise<ChildServer & { port: number }> {
  const server = await start(['serve', '--port', '0', '--data', join(folder, 'data'), ...args], env)
  const { port } = server
  if (port === undefined) throw new Error(`the server did not listen: ${server.stderr()}`)
  return { ...server, port }
}

async function start(args: string[], env?: Record<string, string>): Promise<ChildServer> {
  const server = await startServer(args, env)
  onTestFinished(async () => {
    server.process.kill('SIGKILL')
    await server.ended
  })
  return server
}

const destination = ['--vlt-destination', 'lobby']

/** A request whose body is still on its way. */
function halfSent(port: number): {
  finish: () => void
  answer: Promise<{ status: number; connection: string }>
} {
  const body = JSON.stringify(exampleBody())
  const request = httpRequest({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/api/clientes/register',
    agent: new Agent({ keepAlive: true }),
    headers: { 'content-type': 'application/json', 'content-length': String(body.length) },
  })
  request.write(body.slice(0, 40))
  const answer = new Promise<{ status: number; connection: string }>((resolve, reject) => {
    request.on('response', (response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0, connection: String(response.headers.connection) })
    })
    request.on('error', reject)
  })
  answer.catch(() => undefined)
  return { finish: () => request.end(body.slice(40)), answer }
}

/** A request whose headers are still on their way: to the server this is no request yet. */
function halfHeaders(port: number): { finish: () => void; received: Promise<string> } {
  const body = JSON.stringify(exampleBody({ codigoClienteVLT: 72, dni: '2', tarjeta: 'C0FFEE00' }))
  const socket = connect(port, '127.0.0.1')
  socket.write('POST /api/clientes/register HTTP/1.1\r\nHost: x\r\nContent-Ty')
  const received = new Promise<string>((resolve, reject) => {
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    socket.on('error', reject)
    socket.on('close', () => {
      resolve(text)
    })
  })
  received.catch(() => undefined)
  const rest = `pe: application/json\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`
  return { finish: () => socket.write(rest), received }
}

async function readiness(port: number): Promise<string> {
  const { status, body } = await send(port, { method: 'GET', path: '/health/ready' })
  return `${String(status)} ${body}`
}

async function until(what: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await what()) return
    await delay(25)
  }
  throw new Error('it never came to pass')
}

describe('a running server', () => {
  test('says where it listens in exactly one line and stores what it accepts', async () => {
    const server = await serve(destination)
    expect(server.stdout()).toBe(`vlt-server listening on http://127.0.0.1:${String(server.port)}\n`)
    expect((await register(server.port)).status).toBe(201)
    server.process.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    const file = new Sqlite(join(folder, 'data', 'server.db'), { readonly: true })
    expect(file.prepare('select codigo_cliente_vlt from clients').pluck().all()).toEqual(['70'])
    file.close()
  })

  test('logs one JSON line per request, without anything the client sent', async () => {
    const server = await serve([...destination, '--log-level', 'debug'])
    const headers = { 'idempotency-key': 'secret-key', 'user-agent': 'secret-agent' }
    await register(server.port, {}, { headers, path: '/api/clientes/register?secret=query' })
    await register(server.port, { codigoClienteVLT: 99, dni: undefined }, { headers })
    await register(server.port, { codigoClienteVLT: 99, tarjeta: 'B1D3CCDB' })
    await send(server.port, { method: 'GET', path: '/secret-path/74658993' })
    server.process.kill('SIGTERM')
    await server.ended
    const lines = server
      .stderr()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const requests = lines.filter(({ msg }) => msg === 'request')
    expect(requests.map(({ method, route, status }) => [method, route, status])).toEqual([
      ['POST', '/api/clientes/register', 201],
      ['POST', '/api/clientes/register', 422],
      ['POST', '/api/clientes/register', 201],
      ['GET', null, 404],
    ])
    expect(
      requests.every(({ requestId, durationMs }) => requestId !== '' && typeof durationMs === 'number'),
    ).toBe(true)
    const told = Object.entries(exampleBody())
      .filter(([field]) => !['tipoDocumento', 'sexo', 'codigoClienteVLT'].includes(field))
      .map(([, value]) => String(value))
      .filter((value) => value !== 'true')
    for (const secret of [...told, 'B1D3CCDB', 'secret-', 'secret=', '127.0.0.1']) {
      expect(server.stderr().includes(secret), secret).toBe(false)
    }
  })

  test('without a destination it starts, warns and refuses registrations', async () => {
    const server = await serve()
    expect((await register(server.port)).status).toBe(503)
    expect(server.stderr()).toContain('no --vlt-destination')
  })

  test('takes settings from the environment', async () => {
    const server = await serve([], { VLT_SERVER_VLT_DESTINATION: 'lobby', VLT_SERVER_VLT_RATE_LIMIT: '1' })
    expect((await register(server.port)).status).toBe(201)
    expect((await register(server.port)).status).toBe(429)
  })

  test.runIf(
    Object.values(networkInterfaces())
      .flat()
      .some((found) => found?.address === '::1'),
  )('writes an IPv6 address in brackets', async () => {
    const server = await serve(['--host', '::1'])
    expect(server.stdout()).toBe(`vlt-server listening on http://[::1]:${String(server.port)}\n`)
  })

  test('tells the service manager that it is ready, alive and stopping', async () => {
    const told = join(folder, 'told')
    const notify = join(folder, 'systemd-notify')
    writeFileSync(notify, `#!/bin/sh\necho "$1" >> '${told}'\n`)
    chmodSync(notify, 0o755)
    const server = await serve(destination, {
      PATH: `${folder}:/usr/bin:/bin`,
      NOTIFY_SOCKET: join(folder, 'socket'),
      WATCHDOG_USEC: '300000',
    })
    const count = (message: string) =>
      existsSync(told)
        ? readFileSync(told, 'utf8')
            .split('\n')
            .filter((line) => line === message).length
        : 0
    await until(() => Promise.resolve(count('WATCHDOG=1') >= 2))
    expect(count('READY=1')).toBe(1)

    // A database that takes no writes is no life: the watchdog must not be fed over it.
    const other = new Sqlite(join(folder, 'data', 'server.db'))
    other.exec('drop table heartbeat')
    other.close()
    await until(() => Promise.resolve(server.stderr().includes('watchdog not fed')))
    const fed = count('WATCHDOG=1')
    await delay(1_000)
    expect(count('WATCHDOG=1')).toBe(fed)
    server.process.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    expect(count('STOPPING=1')).toBe(1)
  })
})

describe('stopping', () => {
  test('a request whose body is still arriving is answered, while new ones see a server that is not ready', async () => {
    const server = await serve([...destination, '--drain-ms', '1500'])
    const slow = halfSent(server.port)
    const slower = halfHeaders(server.port)
    await until(async () => (await readiness(server.port)) === '200 {"status":"ready"}')
    server.process.kill('SIGTERM')
    await until(async () => (await readiness(server.port)) === '503 {"status":"stopping"}')
    expect(
      (await register(server.port, { codigoClienteVLT: 71, dni: '1', tarjeta: 'B1D3CCDB' })).status,
    ).toBe(201)
    // Past the drain nothing new is accepted, yet the old requests go on.
    await until(() =>
      readiness(server.port).then(
        () => false,
        () => true,
      ),
    )
    slow.finish()
    expect(await slow.answer).toEqual({ status: 201, connection: 'close' })
    slower.finish()
    expect(await slower.received).toContain('HTTP/1.1 201 Created')
    expect(await server.ended).toBe(0)
    const file = new Sqlite(join(folder, 'data', 'server.db'), { readonly: true })
    expect(file.prepare('select codigo_cliente_vlt from clients order by id').pluck().all()).toEqual([
      '71',
      '70',
      '72',
    ])
    file.close()
  })

  test('connections that carry no request do not hold it up', async () => {
    const server = await serve([...destination, '--drain-ms', '0'])
    const agent = new Agent({ keepAlive: true })
    await new Promise((resolve, reject) => {
      httpRequest({ port: server.port, host: '127.0.0.1', path: '/health/live', agent }, (response) => {
        response.resume().on('end', resolve)
      })
        .on('error', reject)
        .end()
    })
    const silent = connect(server.port, '127.0.0.1')
    silent.on('error', () => undefined)
    await new Promise((resolve) => silent.once('connect', resolve))
    await delay(100)
    const begun = performance.now()
    server.process.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    expect(performance.now() - begun).toBeLessThan(5_000)
  })

  test('a request that never ends is cut off after 10 s', async () => {
    const server = await serve(destination)
    const slow = halfSent(server.port)
    await until(async () => (await readiness(server.port)) === '200 {"status":"ready"}')
    const begun = performance.now()
    server.process.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    const passed = performance.now() - begun
    expect(passed).toBeGreaterThan(9_000)
    expect(passed).toBeLessThan(14_000)
    await expect(slow.answer).rejects.toThrow()
    expect(server.stderr()).toContain('cut off')
  })

  test('a second signal ends it at once', async () => {
    const server = await serve([...destination, '--drain-ms', '8000'])
    server.process.kill('SIGTERM')
    await until(async () => (await readiness(server.port)) === '503 {"status":"stopping"}')
    const begun = performance.now()
    server.process.kill('SIGINT')
    expect(await server.ended).toBe(130)
    expect(performance.now() - begun).toBeLessThan(4_000)
  })
})

describe('a server that cannot start says why', () => {
  async function failure(args: string[], env?: Record<string, string>): Promise<[unknown, string[], string]> {
    const server = await start(args, env)
    const code = await server.ended
    return [code, server.stderr().trimEnd().split('\n'), server.stdout()]
  }

  test.for<[string, string[], number, string]>([
    ['an unknown option', ['serve', '--bogus'], 2, "error usage: unknown option '--bogus'"],
    ['an unknown command', ['bogus'], 2, "error usage: unknown command 'bogus'"],
    ['no command', [], 2, 'error usage: no command was given'],
    ['an argument too many', ['serve', 'now'], 2, 'error usage: too many arguments'],
    ['a wrong setting', ['serve', '--port', 'abc'], 3, 'error config-invalid: wrong settings:'],
    [
      'a trusted proxy that is everybody',
      ['serve', '--trusted-proxy', '::/0'],
      3,
      'error config-invalid: wrong settings:',
    ],
    [
      'a settings file that is not there',
      ['serve', '--config', '/nowhere.json'],
      3,
      'error config-invalid: cannot read',
    ],
    [
      'a foreign address',
      ['serve', '--port', '0', '--host', '192.0.2.1', '--data', '{folder}'],
      1,
      'error address-unusable: ',
    ],
    [
      'a data folder that cannot be',
      ['serve', '--data', '/dev/null/data'],
      3,
      'error data-folder-unusable: ',
    ],
  ])('%s', async ([, args, code, first]) => {
    const [ended, stderr, stdout] = await failure(args.map((arg) => arg.replace('{folder}', folder)))
    expect([ended, stdout]).toEqual([code, ''])
    expect(stderr.find((line) => line.startsWith('error '))).toContain(first)
    expect(stderr.at(-1)).toMatch(/^hint: /)
  })

  test('a port that is taken', async () => {
    const { port } = await serve()
    const [code, stderr] = await failure(['serve', '--port', String(port), '--data', join(folder, 'other')])
    expect(code).toBe(1)
    expect(stderr).toContain(`error address-in-use: 127.0.0.1:${String(port)} is taken`)
  })

  test('a data folder that another server holds, and the first goes on', async () => {
    const first = await serve(destination)
    const [code, stderr] = await failure(['serve', '--port', '0', '--data', join(folder, 'data')])
    expect(code).toBe(1)
    expect(stderr[0]).toMatch(/^error database-locked: /)
    expect((await register(first.port)).status).toBe(201)
  })

  test('a database that is none', async () => {
    writeFileSync(join(folder, 'server.db'), 'not a database\n'.repeat(500))
    const [code, stderr] = await failure(['serve', '--port', '0', '--data', folder])
    expect(code).toBe(1)
    expect(stderr[0]).toMatch(/^error database-corrupt: .*server\.db/)
  })
})

describe('other commands', () => {
  test('migrate creates the database once', async () => {
    const all = migrationNames.map((name) => `applied ${name}\n`).join('')
    for (const expected of [all, 'nothing to do: the database is at this version\n']) {
      const run = await start(['migrate', '--data', folder])
      expect(await run.ended).toBe(0)
      expect(run.stdout()).toBe(expected)
    }
  })

  test('--help names every option of serve with its default', async () => {
    const run = await start(['serve', '--help'])
    expect(await run.ended).toBe(0)
    for (const option of [
      'host',
      'port',
      'data',
      'vlt-destination',
      'vlt-rate-limit',
      'trusted-proxy',
      'drain-ms',
      'log-level',
      'config',
    ]) {
      expect(run.stdout()).toContain(`--${option} <`)
    }
    expect(run.stdout()).toMatch(/0 to\s+65535/)
  })
})
