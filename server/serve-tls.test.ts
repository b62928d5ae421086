import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request, type RequestOptions } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type ConnectionOptions, TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type ChildServer, startServer } from './child-server.testing.ts'
import { until } from './mail/mail.testing.ts'
import { exampleBody, send } from './testbed.testing.ts'
import { selfSigned, writeCertificate } from './tls/certificates.testing.ts'

const first = selfSigned()
const second = selfSigned()

let folder: string
let files: { tlsCert: string; tlsKey: string }
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-serve-tls-'))
  files = writeCertificate(folder, first)
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

async function start(args: string[], env?: Record<string, string>): Promise<ChildServer & { port: number }> {
  const place = ['--port', '0', '--data', join(folder, 'data'), '--vlt-destination', 'lobby']
  const server = await startServer(['serve', ...place, ...args], env)
  onTestFinished(async () => {
    server.process.kill('SIGKILL')
    await server.ended
  })
  return { ...server, port: server.port ?? 0 }
}

function startTls(args: string[] = [], env?: Record<string, string>): ReturnType<typeof start> {
  return start(['--tls-cert', files.tlsCert, '--tls-key', files.tlsKey, ...args], env)
}

interface Reply {
  status: number
  hsts: string | undefined
  body: string
  socket: Socket
}

/** Trusts both certificates unless told. */
function ask(port: number, options: RequestOptions & { body?: string } = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { body, ...rest } = options
    const asked = request(
      { host: '127.0.0.1', port, path: '/health/live', ca: [first.cert, second.cert], agent: false, ...rest },
      (response) => {
        let text = ''
        const { socket } = response
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('end', () => {
          const hsts = response.headers['strict-transport-security']
          resolve({ status: response.statusCode ?? 0, hsts, body: text, socket })
        })
      },
    )
    asked.on('error', reject)
    asked.end(body)
  })
}

/** What comes back for these bytes over TLS until the server closes, or the code of what went wrong. */
function exchange(port: number, bytes: string, options: ConnectionOptions = {}): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connectTls({ host: '127.0.0.1', port, ca: first.cert, ...options }, () =>
      socket.write(bytes),
    )
    socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk))
    socket.on('close', () => {
      resolve(received)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message)
    })
  })
}

describe('with a certificate', () => {
  test('it says https, serves the APIs over it and tells when the certificate ends', async () => {
    const server = await startTls()
    expect(server.stdout()).toBe(`vlt-server listening on https://127.0.0.1:${String(server.port)}\n`)
    const { status, hsts } = await ask(server.port, {
      method: 'POST',
      path: '/api/clientes/register',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(exampleBody()),
    })
    expect([status, hsts]).toEqual([201, 'max-age=31536000'])
    await until(() => server.stderr().includes('"expiresAt":"2120-01-01T00:00:00.000Z"'))
  })

  test('localhost is one listener, with the certificate', async () => {
    const server = await startTls(['--host', 'localhost'])
    expect(server.stdout()).toBe(`vlt-server listening on https://127.0.0.1:${String(server.port)}\n`)
    expect((await ask(server.port)).status).toBe(200)
    await expect(ask(server.port, { host: '::1' })).rejects.toThrow()
  })

  test('TLS is 1.2 at least', async () => {
    const { port } = await startTls()
    const live = 'GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    expect(await exchange(port, live, { maxVersion: 'TLSv1.2' })).toMatch(/^HTTP\/1\.1 200 /)
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    expect(await exchange(port, live, old)).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
  })

  test('broken requests are answered as without TLS', async () => {
    const { port } = await startTls()
    const refusal = (status: string) => {
      const body = JSON.stringify({ message: status.slice(4) })
      return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${String(body.length)}\r\nConnection: close\r\n\r\n${body}`
    }
    expect(await exchange(port, 'HELLO\r\n\r\n')).toBe(refusal('400 Bad Request'))
    expect(await exchange(port, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`)).toBe(
      refusal('431 Request Header Fields Too Large'),
    )
    const expectation =
      'POST /api/clientes/register HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: wonders\r\n\r\n'
    expect(await exchange(port, expectation)).toMatch(/^HTTP\/1\.1 422 /)
  })

  test('plain HTTP and nonsense are hung up on, and the server goes on', async () => {
    const server = await startTls()
    const { port } = server
    for (const bytes of [
      'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n',
      '\0\0\0',
      '\x16\x03\x01\x02\x00nonsense',
    ]) {
      const received = await new Promise<string>((resolve, reject) => {
        let text = ''
        const socket = connect(port, '127.0.0.1', () => socket.end(bytes))
        socket.on('data', (chunk) => (text += chunk.toString('latin1')))
        socket.on('close', () => {
          resolve(text)
        })
        socket.on('error', reject)
      })
      expect(received).not.toContain('HTTP')
    }
    expect((await ask(port)).status).toBe(200)
    expect(server.stderr()).not.toContain('"level":"error"')
  })

  test('the service manager hears that it is alive', async () => {
    const told = join(folder, 'told')
    const notify = join(folder, 'systemd-notify')
    writeFileSync(notify, `#!/bin/sh\necho "$1" >> '${told}'\n`)
    chmodSync(notify, 0o755)
    await startTls([], {
      PATH: `${folder}:/usr/bin:/bin`,
      NOTIFY_SOCKET: join(folder, 'socket'),
      WATCHDOG_USEC: '300000',
    })
    await until(() => existsSync(told) && readFileSync(told, 'utf8').includes('WATCHDOG=1'))
  })
})

describe('SIGHUP', () => {
  test('brings a new certificate for new connections, while an open one goes on', async () => {
    const server = await startTls()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => {
      agent.destroy()
    })
    const before = await ask(server.port, { agent })
    writeCertificate(folder, second)
    server.process.kill('SIGHUP')
    await until(
      async () => (await ask(server.port, { ca: second.cert }).catch(() => undefined))?.status === 200,
    )
    await expect(ask(server.port, { ca: first.cert })).rejects.toThrow('self-signed certificate')
    const after = await ask(server.port, { agent })
    expect([after.status, after.socket]).toEqual([200, before.socket])
    const seen = after.socket instanceof TLSSocket ? after.socket.getPeerX509Certificate() : undefined
    expect(seen?.toString()).toBe(first.cert)
  })

  test('with a bad certificate changes nothing and says why', async () => {
    const server = await startTls()
    writeFileSync(files.tlsKey, second.key)
    server.process.kill('SIGHUP')
    await until(() => server.stderr().includes('"code":"certificate-key-mismatch"'))
    expect((await ask(server.port, { ca: first.cert })).status).toBe(200)
  })

  test('without a certificate is ignored', async () => {
    const server = await start([])
    server.process.kill('SIGHUP')
    const { status } = await send(server.port, { method: 'GET', path: '/health/live' })
    expect(status).toBe(200)
    server.process.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })
})

describe('stopping', () => {
  test('is not held up by connections without a request, whatever came of their handshake', async () => {
    const server = await startTls(['--drain-ms', '0'])
    const silent = connect(server.port, '127.0.0.1')
    // The beginning of a client's first message.
    const half = connect(server.port, '127.0.0.1', () => half.write('\x16\x03\x01\x02\x00\x01', 'latin1'))
    const shaken = connectTls({ host: '127.0.0.1', port: server.port, ca: first.cert })
    for (const socket of [silent, half, shaken]) socket.on('error', () => undefined)
    await new Promise((resolve) => shaken.once('secureConnect', resolve))
    const idle = new Agent({ keepAlive: true })
    await ask(server.port, { agent: idle })
    const begun = performance.now()
    server.process.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect(server.stderr()).not.toContain('cut off')
  })

  test('answers a request whose body is still arriving', async () => {
    const server = await startTls(['--drain-ms', '0'])
    const body = JSON.stringify(exampleBody())
    const head = `POST /api/clientes/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${String(body.length)}\r\n\r\n`
    const received = await new Promise<string>((resolve, reject) => {
      let text = ''
      const socket = connectTls({ host: '127.0.0.1', port: server.port, ca: first.cert }, () => {
        socket.write(head + body.slice(0, 40))
        setTimeout(() => {
          server.process.kill('SIGTERM')
          setTimeout(() => socket.write(body.slice(40)), 1_000)
        }, 300)
      })
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      socket.on('error', reject)
      socket.on('close', () => {
        resolve(text)
      })
    })
    expect(received).toMatch(/^HTTP\/1\.1 201 Created\r\n/)
    expect(await server.ended).toBe(0)
  })
})

const spoilers: Record<string, () => unknown> = {
  'certificate-key-mismatch': () => {
    writeFileSync(files.tlsKey, second.key)
  },
  'certificate-invalid': () => {
    writeFileSync(files.tlsCert, 'x')
  },
  'certificate-key-exposed': () => {
    chmodSync(files.tlsKey, 0o644)
  },
  'certificate-unreadable': () => {
    rmSync(files.tlsCert)
  },
  'certificate-not-valid': () => writeCertificate(folder, selfSigned({ until: '2021-01-01T00:00:00.000Z' })),
}

test.for(Object.entries(spoilers))(
  'a server does not start with a certificate that is %s',
  async ([code, spoil]) => {
    spoil()
    const server = await startTls()
    expect(await server.ended).toBe(3)
    const [error, hint] = server.stderr().trimEnd().split('\n')
    expect(error).toMatch(new RegExp(`^error ${code}: `))
    expect([hint?.startsWith('hint: '), server.stdout(), existsSync(join(folder, 'data'))]).toEqual([
      true,
      '',
      false,
    ])
  },
)
