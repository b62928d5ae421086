import { text } from 'node:stream/consumers'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { AppError } from '../../shared/errors.ts'
import { cookieName } from './guard.ts'
import {
  enrolmentRequest,
  openPageBed,
  personal,
  post,
  secret,
  send,
  type PageBed,
  type Sent,
} from './page.testing.ts'
import type { Snapshot } from './protocol.ts'

let bed: PageBed
beforeEach(async () => {
  bed = await openPageBed()
})
afterEach(() => bed[Symbol.asyncDispose]())

async function screen(): Promise<string> {
  return (JSON.parse(await text(await send(bed, '/state'))) as Snapshot).screen.name
}

async function status(path: string, sent: Sent = {}): Promise<number | undefined> {
  const response = await send(bed, path, sent)
  response.resume()
  return response.statusCode
}

test('the page and every answer come under a strict policy, in nobody’s frame, never kept', async () => {
  for (const path of ['/', '/state', '/nothing']) {
    const { headers } = await send(bed, path)
    expect(headers['content-security-policy']).toContain(
      "default-src 'none'; script-src 'self'; style-src 'self'",
    )
    expect(headers['content-security-policy']).not.toContain('unsafe')
    expect(headers['x-frame-options']).toBe('DENY')
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['cache-control']).toBe('no-store')
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  }
})

const posted: Sent = { method: 'POST', body: '{}' }
const foreign = { origin: 'https://evil.example' }
const refusals: [what: string, path: string, sent: Sent, status: number][] = [
  ['another name (DNS rebinding)', '/state', { headers: { host: 'evil.example' } }, 403],
  ['our address without the port', '/state', { headers: { host: '127.0.0.1' } }, 403],
  ['our name as the start of another', '/state', { headers: { host: '127.0.0.1.evil.example:80' } }, 403],
  ['another name for the page itself', '/', { headers: { host: 'evil.example' } }, 403],
  ['a page elsewhere that reads', '/state', { headers: { 'sec-fetch-site': 'cross-site' } }, 403],
  ['a page on another port that reads', '/state', { headers: { 'sec-fetch-site': 'same-site' } }, 403],
  ['a page elsewhere that reads with CORS', '/state', { headers: foreign }, 403],
  ['a page elsewhere that posts', '/enrolment', { ...posted, headers: foreign }, 403],
  ['a page without an origin that posts', '/enrolment', { ...posted, headers: { origin: 'null' } }, 403],
  [
    'a program that posts without an origin',
    '/enrolment',
    { ...posted, headers: { origin: undefined } },
    403,
  ],
  [
    'a form of a page elsewhere',
    '/enrolment',
    {
      method: 'POST',
      body: 'client=x',
      headers: {
        ...foreign,
        'sec-fetch-site': 'cross-site',
        'sec-fetch-mode': 'navigate',
        'content-type': 'application/x-www-form-urlencoded',
      },
    },
    403,
  ],
  ['a request that asks who may', '/enrolment', { method: 'OPTIONS', headers: foreign }, 403],
  [
    'a WebSocket',
    '/events',
    {
      headers: {
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'a',
      },
    },
    403,
  ],
  [
    'a WebSocket of a page elsewhere',
    '/events',
    { headers: { ...foreign, connection: 'upgrade', upgrade: 'websocket' } },
    403,
  ],
  ['no page’s secret', '/state', { headers: { cookie: undefined } }, 401],
  ['no page’s secret, to the stream', '/events', { headers: { cookie: undefined } }, 401],
  ['no page’s secret, posting', '/enrolment', { ...posted, headers: { cookie: undefined } }, 401],
  ['a wrong secret', '/state', { headers: { cookie: `${cookieName}=guess` } }, 401],
  ['a form instead of JSON', '/enrolment', { ...posted, headers: { 'content-type': 'text/plain' } }, 415],
  ['no JSON', '/enrolment', { method: 'POST', body: '{' }, 400],
  ['too much', '/enrolment', { method: 'POST', body: JSON.stringify({ x: 'x'.repeat(16 * 1024) }) }, 413],
  ['another path', '/enrolments', posted, 404],
  ['another method', '/enrolment', { method: 'PUT', body: '{}' }, 404],
  ['a way out of the page’s files', '/..%2f..%2fpackage.json', {}, 404],
]

test.each(refusals)('%s is refused', async (_what, path, sent, expected) => {
  expect(await status(path, sent)).toBe(expected)
  expect(bed.desk.waiting).toBe(0)
})

test('a body of almost 16 kB is read', async () => {
  const body = JSON.stringify({ x: 'x'.repeat(16 * 1024 - 100) })
  expect(await status('/enrolment', { method: 'POST', body })).toBe(422)
})

test('who asks too often waits; soon it is answered again', async () => {
  const statuses = await Promise.all(Array.from({ length: 90 }, () => status('/state')))
  expect(statuses.filter((code) => code === 200).length).toBeGreaterThan(30)
  expect(statuses).toContain(429)
  await vi.waitFor(async () => {
    expect(await status('/state')).toBe(200)
  })
})

describe('the page’s secret', () => {
  test('comes with the page in a cookie that no script reads and no other site sends', async () => {
    const { headers } = await send(bed, '/', { headers: { cookie: undefined, 'sec-fetch-site': 'none' } })
    expect(headers['set-cookie']?.[0]).toMatch(/^vlt-page=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/)
  })

  test('comes only to who knows the kiosk’s, where one is set', async () => {
    await using locked = await openPageBed({ isLocked: true })
    const enter = async (path: string, site = 'cross-site') => {
      const response = await send(locked, path, { headers: { cookie: undefined, 'sec-fetch-site': site } })
      return [response.statusCode, response.headers['set-cookie'] !== undefined]
    }
    expect(await enter('/', 'none')).toEqual([200, false])
    expect(await enter('/enter?secret=guess')).toEqual([403, false])
    expect(await enter('/enter?')).toEqual([403, false])
    expect(await enter(`/enter?secret=${encodeURIComponent(secret)}`)).toEqual([200, true])
  })
})

describe('an enrolment of the page', () => {
  test('waits for its card, is saved with the text that was agreed to, then confirmed', async () => {
    expect((await post(bed, '/enrolment', enrolmentRequest())).statusCode).toBe(200)
    expect(await screen()).toBe('waiting')
    bed.tap()
    // What is seen is told at once, "saved" only once it is.
    expect(await screen()).toBe('reading')
    expect(bed.outbox.list(1)).toEqual([])
    await vi.waitFor(async () => {
      expect(await screen()).toBe('saved')
    })
    expect(bed.outbox.list(1)).toMatchObject([{ state: 'pending', consentText: 'kiosk-2026-11-es' }])
    bed.deliver('cliente nuevo')
    await vi.waitFor(async () => {
      expect(await screen()).toBe('registered')
    })
  })

  test('is refused by field, without a word of what was typed', async () => {
    const { client, consentText } = enrolmentRequest()
    const response = await post(bed, '/enrolment', { client: { ...client, correo: 'secret@' }, consentText })
    expect(response.statusCode).toBe(422)
    expect(JSON.parse(await text(response))).toEqual({ code: 'invalid', fields: ['correo'] })
    expect(bed.desk.waiting).toBe(0)
  })

  test('needs a consent text that exists', async () => {
    const response = await post(bed, '/enrolment', { ...enrolmentRequest(), consentText: 'another' })
    expect(JSON.parse(await text(response))).toEqual({ code: 'invalid', fields: ['consentText'] })
  })

  test('does not begin while another waits: the next card would become theirs', async () => {
    await post(bed, '/enrolment', enrolmentRequest(1))
    expect((await post(bed, '/enrolment', enrolmentRequest(2))).statusCode).toBe(409)
    expect(bed.desk.waiting).toBe(1)
  })

  test('is ended by whoever waits', async () => {
    await post(bed, '/enrolment', enrolmentRequest())
    await post(bed, '/enrolment/cancel')
    expect(bed.desk.waiting).toBe(0)
    expect(await screen()).toBe('idle')
  })

  test('neither ends nor keeps what a clerk has started', async () => {
    bed.desk.start(JSON.parse('{"codigoClienteVLT":"1"}') as never, 60_000)
    await post(bed, '/enrolment/cancel')
    await post(bed, '/enrolment/keep')
    expect(bed.desk.waiting).toBe(1)
  })

  test('is told before anybody types where nothing can be kept', async () => {
    vi.spyOn(bed.outbox, 'probe').mockImplementation(() => {
      throw new AppError('disk-full', 'full')
    })
    const answer = JSON.parse(await text(await post(bed, '/begin'))) as Snapshot
    expect(answer.screen.name).toBe('cannot-store')
    expect((await post(bed, '/enrolment', enrolmentRequest())).statusCode).toBe(503)
    expect(bed.desk.waiting).toBe(0)
  })
})

test('changes are pushed, and nothing personal with them: no route reads it back', async () => {
  const stream = await send(bed, '/events')
  let received = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => (received += chunk))
  const answer = await text(await post(bed, '/enrolment', enrolmentRequest()))
  bed.tap()
  await vi.waitFor(() => {
    expect(received).toContain('"saved"')
  })
  bed.deliver('tarjeta agregada al cliente existente')
  await vi.waitFor(() => {
    expect(received).toContain('"card-added"')
  })
  const all = [
    received,
    answer,
    await text(await send(bed, '/state')),
    await text(await send(bed, '/')),
  ].join()
  for (const secretText of [personal, 'A0C2BBCA', 'a@b.pe', bed.outbox.list(1)[0]?.id ?? 'none'])
    expect(all).not.toContain(secretText)
  stream.destroy()
})

test('the stream says something every few seconds, so that a page notices an agent that hangs', async () => {
  const stream = await send(bed, '/events')
  let pushes = 0
  stream.on('data', () => (pushes += 1))
  await vi.waitFor(
    () => {
      expect(pushes).toBeGreaterThan(1)
    },
    { timeout: 10_000 },
  )
  stream.destroy()
})

test('a change of the server’s state is shown', async () => {
  const stream = await send(bed, '/events')
  let received = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => (received += chunk))
  bed.health.serverOnline = false
  bed.state.changed()
  await vi.waitFor(() => {
    expect(received).toContain('"serverOnline":false')
  })
  stream.destroy()
})

test('the page’s heartbeat is seen, and its end', async () => {
  expect(await status('/health/page')).toBe(503)
  await post(bed, '/heartbeat')
  expect(await status('/health/page')).toBe(200)
  expect(await status('/health/live')).toBe(200)
})

test('a taken port is named', async () => {
  const pagePort = Number(new URL(bed.page.url).port)
  await expect(openPageBed({ pagePort })).rejects.toThrow(expect.objectContaining({ code: 'address-in-use' }))
})

test('listens on this machine alone', async () => {
  const { port } = new URL(bed.page.url)
  const other = connect(Number(port), '127.0.0.2')
  await expect(
    new Promise((resolve, reject) => {
      other.once('connect', resolve)
      other.once('error', reject)
    }),
  ).rejects.toThrow('ECONNREFUSED')
})
