import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock, type Clock } from '../../shared/clock.ts'
import { createLog } from '../../shared/log.ts'
import { onFullDisk } from '../outbox/full-disk.testing.ts'
import { Outbox } from '../outbox/outbox.ts'
import type { StoredRegistration } from '../outbox/registration.ts'
import { KioskChannel } from '../kiosk/channel.ts'
import { Batches } from './batches.ts'
import { ServerClient } from './client.ts'
import { ScriptedServer } from './scripted-server.testing.ts'
import { Sync } from './sync.ts'
import { remoteSystems } from './systems/systems.ts'

/** Time that runs a hundred times as fast unless told, so that back-offs of minutes can be lived through. */
let speed = 100
const fastClock: Clock = {
  now: () => systemClock.now(),
  monoMs: () => systemClock.monoMs() * speed,
  sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
}
/** Real milliseconds as the fast clock counts them. */
const fastMs = (from: number, to: number): number => (to - from) * speed

let folder: string
let stack: AsyncDisposableStack
let outbox: Outbox
let server: ScriptedServer
let sync: Sync
let settled: string[]
let states: string[]

beforeEach(async () => {
  speed = 100
  folder = mkdtempSync(join(tmpdir(), 'sync-'))
  stack = new AsyncDisposableStack()
  outbox = stack.use(Outbox.open(folder, systemClock))
  server = stack.use(await ScriptedServer.open())
  settled = []
  states = []
})
afterEach(async () => {
  await stack.disposeAsync()
  rmSync(folder, { recursive: true })
})

/** Starts delivering to `url`; ended by afterEach before the outbox closes. */
function deliver(url = server.url, answerMs = 2_000, totalMs = 30_000, seen = outbox): void {
  const client = stack.use(new ServerClient(url, 'test', { connectMs: 1_000, answerMs, totalMs }))
  const log = createLog('test', 'error')
  const onChange = (): void => undefined
  sync = new Sync({
    outbox: seen,
    client,
    serverUrl: url,
    batches: new Batches(
      new KioskChannel({ folder, log, epoch: () => outbox.watermark(), onChange }),
      fastClock,
    ),
    systems: remoteSystems({ registry: { username: undefined, passwordFile: undefined } }),
    clock: fastClock,
    log,
    onSettled: (id) => settled.push(id),
    onState: () => states.push(sync.status.state),
  })
  const stop = new AbortController()
  const running = sync.run(stop.signal, new AbortController().signal)
  stack.defer(async () => {
    stop.abort()
    await running
  })
}

function accept(card: string, subject = card): StoredRegistration {
  return outbox.append({
    system: 'vlt-clients',
    subject,
    card,
    body: JSON.stringify({ tarjeta: card }),
    readerId: null,
  })
}

const until = (condition: () => boolean): Promise<void> =>
  vi.waitFor(
    () => {
      expect(condition()).toBe(true)
    },
    { timeout: 15_000, interval: 5 },
  )
const delivered = (count: number) => (): boolean => outbox.counts().delivered === count

test('the backlog is delivered in order, each under its key, with the documented headers', async () => {
  const rows = ['A1', 'A2', 'A3'].map((card) => accept(card))
  deliver()
  await until(delivered(3))
  expect(server.cards()).toEqual(['A1', 'A2', 'A3'])
  expect(server.received.map(({ key }) => key)).toEqual(
    rows.map(({ idempotencyKey }) => `"${idempotencyKey}"`),
  )
  expect(server.received[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    accept: 'application/json',
  })
  expect(server.received[0]?.rawBody).toBe(rows[0]?.body)
  expect(settled).toEqual(rows.map(({ id }) => id))
  expect(sync.status).toMatchObject({ state: 'online', reason: null })
  expect(JSON.parse(outbox.get(rows[0]?.id ?? '').receipt ?? '')).toMatchObject({ id: 11, tarjeta: 'A1' })
})

test('a lost answer is asked for again under the same key', async () => {
  server.answer = () => ({ status: 201, hangUp: server.received.length === 1 })
  const { idempotencyKey } = accept('A1')
  deliver()
  await until(delivered(1))
  expect(server.received.map(({ key }) => key)).toEqual([`"${idempotencyKey}"`, `"${idempotencyKey}"`])
})

test.each([
  ['always fails', { status: 500 }],
  ['always finds the server overloaded', { status: 503 }],
  ['makes the server hang up', { status: 0, hangUp: true }],
  ['is answered by nonsense', { status: 200, body: '<html>' }],
  ['is refused for good', { status: 422, body: '{"message":"no"}' }],
  [
    'is always being answered already',
    { status: 409, headers: { 'idempotency-key-state': 'in-progress', 'retry-after': '1' } },
  ],
  ['is forbidden by something on the way', { status: 403 }],
])('a registration that %s holds up none of the others', async (_name, bad) => {
  server.answer = ({ card }) => (card === 'BAD' ? bad : { status: 201 })
  accept('BAD')
  const others = Array.from({ length: 20 }, (_, index) => accept(`C${String(index)}`))
  deliver()
  await until(delivered(20))
  const firstGood = server.received.findIndex(({ card }) => card !== 'BAD')
  expect(firstGood).toBe(1)
  const between = server.received.slice(
    firstGood,
    server.received.findLastIndex(({ card }) => card !== 'BAD'),
  )
  // Once another row has shown that the fault was its own, it goes behind every row that has not failed.
  expect(between.filter(({ card }) => card === 'BAD')).toEqual([])
  expect(settled.filter((id) => others.some((row) => row.id === id))).toHaveLength(20)
})

test('with several bad ones among them the rest still drains', async () => {
  server.answer = ({ card }) => ({ status: card.startsWith('BAD') ? 500 : 201 })
  for (let index = 0; index < 20; index++)
    accept(index % 2 === 0 ? `BAD${String(index)}` : `C${String(index)}`)
  deliver()
  await until(delivered(10))
})

describe('where only those wait that have to wait for a bad one', () => {
  beforeEach(() => {
    speed = 500
  })

  test('they show one after the other that the fault is its own, until it holds up nobody', async () => {
    server.answer = ({ card }) => ({ status: card === 'BAD' ? 500 : 201 })
    const bad = accept('BAD', 'one client')
    for (const card of ['FIRST', 'SECOND', 'THIRD']) accept(card, 'one client')
    deliver()
    await until(delivered(3))
    expect(server.cards().filter((card) => card !== 'BAD')).toEqual(['FIRST', 'SECOND', 'THIRD'])
    expect(outbox.get(bad.id)).toMatchObject({ state: 'pending', failures: 3 })
  })

  test('two bad ones in a row hold up nobody either', async () => {
    server.answer = ({ card }) => ({ status: card.startsWith('BAD') ? 500 : 201 })
    for (const card of ['BAD1', 'BAD2', 'GOOD']) accept(card, 'one client')
    deliver()
    await until(delivered(1))
  })

  test('who waits for two bad ones goes once both have failed just now', async () => {
    server.answer = ({ card }) => ({ status: card.startsWith('BAD') ? 500 : 201 })
    const bad = [accept('BAD1', 'one client'), accept('BAD2', 'another client')]
    // Of the one's client, with the other's card.
    const body = JSON.stringify({ tarjeta: 'GOOD' })
    outbox.append({ system: 'vlt-clients', subject: 'one client', card: 'BAD2', body, readerId: null })
    deliver()
    await until(delivered(1))
    expect(server.cards().slice(-3).toSorted()).toEqual(['BAD1', 'BAD2', 'GOOD'])
    expect(bad.map(({ id }) => outbox.get(id).failures)).toEqual([1, 1])
  })

  test('a server that is well but fails every registration blames none, and order stays', async () => {
    let out = true
    server.answer = ({ card }) => {
      // Scouts have gone, and failed as well.
      if (card === 'FIRST' && server.cards().filter((other) => other === 'SECOND').length >= 3) out = false
      return { status: out ? 500 : 201 }
    }
    const rows = ['FIRST', 'SECOND', 'THIRD'].map((card) => accept(card, 'one client'))
    deliver()
    await until(delivered(3))
    expect(server.cards().slice(-3)).toEqual(['FIRST', 'SECOND', 'THIRD'])
    expect(rows.map(({ id }) => outbox.get(id).failures)).toEqual([0, 0, 0])
  })

  test('one that asks to wait is obeyed, and order stays', async () => {
    server.answer = ({ card }) =>
      card === 'BAD' ? { status: 503, headers: { 'retry-after': '1' } } : { status: 201 }
    for (const card of ['BAD', 'GOOD']) accept(card, 'one client')
    deliver()
    await until(() => server.received.length > 12)
    expect(new Set(server.cards())).toEqual(new Set(['BAD']))
  })
})

test.each([
  [422, 'rejected-invalid'],
  [413, 'rejected-too-large'],
  [400, 'rejected-invalid'],
  [409, 'rejected-conflict'],
])('%i is a dead letter at once', async (status, error) => {
  server.answer = () => ({ status, body: '{"message":"no"}' })
  const { id } = accept('A1')
  deliver()
  await until(() => outbox.counts().dead === 1)
  expect(outbox.get(id)).toMatchObject({
    state: 'dead',
    lastError: error,
    attempts: 1,
    receipt: '{"message":"no"}',
  })
  expect(settled).toEqual([id])
})

test('409 while the same key is being answered is no dead letter', async () => {
  server.answer = () =>
    server.received.length < 3
      ? { status: 409, headers: { 'idempotency-key-state': 'in-progress' } }
      : { status: 201 }
  accept('A1')
  deliver()
  await until(delivered(1))
  expect(server.received).toHaveLength(3)
})

test.each([401, 403, 404, 405])(
  '%i pauses the queue: nothing is lost, nothing else is tried, it goes on when mended',
  async (status) => {
    let mended = false
    server.answer = () => ({ status: mended ? 201 : status })
    accept('A1')
    accept('A2')
    deliver()
    await until(() => sync.status.state === 'paused')
    await fastClock.sleep(20_000, new AbortController().signal)
    expect(server.received).toHaveLength(1)
    expect(outbox.counts()).toMatchObject({ pending: 2, dead: 0 })
    mended = true
    sync.tryNow()
    await until(delivered(2))
    expect(sync.status).toMatchObject({ state: 'online', reason: null })
  },
)

test('a paused queue looks again by itself', async () => {
  server.answer = () => ({ status: server.received.length === 1 ? 403 : 201 })
  accept('A1')
  deliver()
  await until(delivered(1))
  const [first, second] = server.received
  expect(fastMs(first?.atMs ?? 0, second?.atMs ?? 0)).toBeGreaterThanOrEqual(29_000)
})

test('Retry-After is kept to, even by a registration that somebody waits for', async () => {
  server.answer = () =>
    server.received.length === 1 ? { status: 429, headers: { 'retry-after': '90' } } : { status: 201 }
  accept('A1')
  deliver()
  await until(() => server.received.length === 1)
  sync.expedite(accept('A2').id)
  await until(delivered(2))
  const [first, second] = server.received
  expect(fastMs(first?.atMs ?? 0, second?.atMs ?? 0)).toBeGreaterThanOrEqual(90_000 - 500)
})

test.each([
  ['refused', 429, { 'retry-after': '3600' }],
  ['taken, the last of a minute', 201, { 'x-ratelimit-remaining': '0', 'retry-after': '3600' }],
])('a wait that comes with an answer (%s) is kept on a full disk too', async (_how, status, headers) => {
  server.answer = () => ({ status, headers })
  accept('A1')
  deliver(server.url, 2_000, 30_000, onFullDisk(outbox))
  await until(() => server.received.length === 1)
  await fastClock.sleep(20_000, new AbortController().signal)
  sync.tryNow()
  sync.expedite(accept('A2').id)
  await fastClock.sleep(20_000, new AbortController().signal)
  expect(server.received).toHaveLength(1)
})

test('a backlog keeps within the rate limit that the headers tell, without a refusal', async () => {
  const limit = 5
  let windowStart = Number.NEGATIVE_INFINITY
  let hits = 0
  server.answer = ({ atMs }) => {
    if (fastMs(windowStart, atMs) >= 60_000) [windowStart, hits] = [atMs, 0]
    hits += 1
    if (hits > limit) return { status: 429, headers: { 'retry-after': '60' } }
    return {
      status: 201,
      headers: { 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': String(limit - hits) },
    }
  }
  for (let index = 0; index < 12; index++) accept(`C${String(index)}`)
  deliver()
  await until(delivered(12))
  expect(server.received).toHaveLength(12)
})

test('with the server gone everything waits, and goes out once it is back', async () => {
  const port = server.port
  const url = server.url
  await server[Symbol.asyncDispose]()
  for (const card of ['A1', 'A2', 'A3']) accept(card)
  deliver(url)
  await until(() => sync.status.state === 'offline' && sync.status.reason === 'server-unreachable')
  await fastClock.sleep(60_000, new AbortController().signal)
  expect(outbox.counts()).toMatchObject({ pending: 3, dead: 0 })
  const back = stack.use(await ScriptedServer.open(port))
  await until(delivered(3))
  expect(back.cards()).toEqual(['A1', 'A2', 'A3'])
})

test('after an outage the cards of one client arrive in the order of the taps', async () => {
  let out = true
  server.answer = () => (out ? { status: 502 } : { status: 201 })
  for (const card of ['FIRST', 'SECOND', 'THIRD']) accept(card, 'one client')
  accept('OTHER')
  deliver()
  await until(() => server.received.length > 12)
  out = false
  await until(delivered(4))
  const order = server.received.slice(-4).map(({ card }) => card)
  expect(order.filter((card) => card !== 'OTHER')).toEqual(['FIRST', 'SECOND', 'THIRD'])
})

test('a live tap goes before the backlog', async () => {
  server.answer = () => ({ status: 201, delayMs: 5 })
  for (let index = 0; index < 50; index++) accept(`C${String(index)}`)
  deliver()
  await until(() => server.received.length > 3)
  const live = accept('LIVE')
  sync.expedite(live.id)
  await until(() => settled.includes(live.id))
  expect(server.received.length).toBeLessThan(45)
  await until(delivered(51))
})

test('a server that never answers is given up on and tried again', async () => {
  server.answer = () => ({ status: 201, delayMs: server.received.length === 1 ? 3_000 : 0 })
  accept('A1')
  deliver(server.url, 200)
  await until(delivered(1))
  expect(server.received.length).toBeGreaterThan(1)
})

test('speaking TLS to a server that does not pauses the queue', async () => {
  accept('A1')
  deliver(server.url.replace('http:', 'https:'))
  await until(() => sync.status.state === 'paused')
  expect(sync.status.reason).toBe('server-tls')
  expect(outbox.counts().pending).toBe(1)
})

test('an answer that drips without end is cut off', async () => {
  server.drip = true
  accept('A1')
  deliver(server.url, 2_000, 300)
  await until(() => sync.status.reason === 'server-timeout')
  server.drip = false
  await until(delivered(1))
})

test('a server that says "again now" is not hurried', async () => {
  server.answer = () => ({ status: 429, headers: { 'retry-after': '0' } })
  accept('A1')
  deliver()
  await fastClock.sleep(60_000, new AbortController().signal)
  expect(server.received.length).toBeGreaterThan(1)
  expect(server.received.length).toBeLessThan(20)
})

test('a person who wants it tried now does not hurry a system that asked to wait', async () => {
  server.answer = () => ({ status: 429, headers: { 'retry-after': '3600' } })
  const account = { system: 'user-accounts', subject: 'ana', card: '', body: '{}', readerId: null } as const
  outbox.append(account)
  deliver()
  await until(() => sync.status.held.length === 1)
  sync.tryNow()
  await fastClock.sleep(10_000, new AbortController().signal)
  expect(server.received).toHaveLength(1)
})

test('changes of the state are told', async () => {
  deliver()
  await until(() => states.includes('online'))
  await server[Symbol.asyncDispose]()
  await until(() => states.at(-1) === 'offline')
})

test('a gateway without its server, or a login page, is not "online"', async () => {
  server.health = { status: 502 }
  deliver()
  await until(() => sync.status.reason === 'server-unavailable')
  server.health = { status: 200, headers: { 'content-type': 'text/html' } }
  await until(() => sync.status.reason === 'server-unexpected-answer')
  server.health = { status: 404 }
  await until(() => sync.status.state === 'online')
})

test('an idle agent finds out by itself whether the server is there', async () => {
  deliver()
  await until(() => sync.status.state === 'online')
  await server[Symbol.asyncDispose]()
  await until(() => sync.status.state === 'offline')
})
