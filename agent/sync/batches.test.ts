import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock, type Clock } from '../../shared/clock.ts'
import {
  challengeHeader,
  keyPath,
  registrationsPath,
  type RegistrationsRequest,
  type Report,
  reportPath,
} from '../../shared/contracts/kiosk-sync.ts'
import { fingerprint, newKey } from '../../shared/http-signatures/ed25519.ts'
import { createLog } from '../../shared/log.ts'
import { Registrar } from '../enrolment/registrar.ts'
import { KioskChannel } from '../kiosk/channel.ts'
import { identityPath, readIdentity, writeIdentity } from '../kiosk/identity.ts'
import {
  type KioskAnswer,
  type KioskRequest,
  refusal,
  ScriptedKioskServer,
} from '../kiosk/scripted-kiosk-server.testing.ts'
import { onFullDisk } from '../outbox/full-disk.testing.ts'
import { Outbox } from '../outbox/outbox.ts'
import type { StoredRegistration } from '../outbox/registration.ts'
import { Batches } from './batches.ts'
import { ServerClient } from './client.ts'
import { Sync } from './sync.ts'
import { remoteSystems } from './systems/systems.ts'

/** Time that runs a hundred times as fast unless told, on a wall that a test may set. */
let speed = 100
let wallOffsetMs = 0
const fastClock: Clock = {
  now: () => new Date(Date.now() + wallOffsetMs).toISOString(),
  monoMs: () => systemClock.monoMs() * speed,
  sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
}

let folder: string
let stack: AsyncDisposableStack
let outbox: Outbox
let server: ScriptedKioskServer
let channel: KioskChannel
let sync: Sync
const log = createLog('test', 'fatal')

beforeEach(async () => {
  wallOffsetMs = 0
  speed = 100
  folder = mkdtempSync(join(tmpdir(), 'batches-'))
  stack = new AsyncDisposableStack()
  outbox = stack.use(Outbox.open(folder, fastClock))
  server = stack.use(await ScriptedKioskServer.open())
  joinServer(server.url)
})
afterEach(async () => {
  await stack.disposeAsync()
  rmSync(folder, { recursive: true })
})

function joinServer(serverUrl: string): void {
  const fresh = { nextKey: null, block: 0, epoch: null, documented: 0 }
  writeIdentity(folder, { kioskId: 7, name: 'Lobby', serverUrl, key: newKey(), ...fresh })
}

const openChannel = (): KioskChannel =>
  new KioskChannel({ folder, log, epoch: () => outbox.watermark(), onChange: () => undefined })

/** Starts delivering; ended by afterEach, or by what it answers. */
function deliver(answerMs = 5_000, seen = outbox): () => Promise<void> {
  const client = stack.use(
    new ServerClient(server.url, 'test', { connectMs: 1_000, answerMs, totalMs: 30_000 }),
  )
  channel = openChannel()
  sync = new Sync({
    ...{ outbox: seen, client, serverUrl: server.url, clock: fastClock, log },
    batches: new Batches(channel, fastClock),
    systems: remoteSystems({ registry: { username: undefined, passwordFile: undefined } }),
    onSettled: () => undefined,
    onState: () => undefined,
  })
  const stop = new AbortController()
  const running = sync.run(stop.signal, new AbortController().signal)
  const end = async (): Promise<void> => {
    stop.abort()
    await running
  }
  stack.defer(end)
  return end
}

function accept(card: string, subject = card): StoredRegistration {
  const body = JSON.stringify({ tarjeta: card })
  return outbox.append({ system: 'vlt-clients', subject, card, body, readerId: null })
}
const acceptMany = (count: number, prefix = 'C'): StoredRegistration[] =>
  Array.from({ length: count }, (_, n) => accept(`${prefix}${String(n)}`))

const until = (condition: () => boolean): Promise<void> =>
  vi.waitFor(
    () => {
      expect(condition()).toBe(true)
    },
    { timeout: 20_000, interval: 5 },
  )
const delivered = (count: number) => (): boolean => outbox.counts().delivered === count
const reports = (): Report[] =>
  server.received.filter(({ path }) => path === reportPath).map(({ body }) => JSON.parse(body) as Report)

test('a backlog goes in batches that grow, in order, each registration under its key', async () => {
  // What takes ten real milliseconds is slow for a clock that runs a hundred times as fast.
  speed = 1
  const rows = acceptMany(30)
  deliver()
  await until(delivered(30))
  expect(server.deliveries.map(({ items }) => items.length).slice(0, 4)).toEqual([1, 2, 4, 8])
  expect(server.deliveries.flatMap(({ items }) => items)).toMatchObject(
    rows.map(({ seq, idempotencyKey, body }) => ({ sequence: seq, idempotencyKey, body })),
  )
  expect(sync.status).toMatchObject({ state: 'online', delivery: 'batches', deliveryReason: null })
  expect(channel.status).toMatchObject({ id: 7, state: 'active' })
})

test('what the server alone knows of a duplicate is kept with its receipt, and the text of the consents goes along', async () => {
  const answer = { id: 8, tarjeta: 'C1', mensaje: 'registro duplicado', esDuplicado: true }
  server.item = () => ({ status: 200, body: JSON.stringify(answer), owner: 'other' })
  const registration = {
    system: 'vlt-clients',
    subject: '1',
    card: 'C1',
    body: '{}',
    readerId: null,
  } as const
  const { id } = outbox.append({ ...registration, consentText: 'kiosk-2026-11-es' })
  outbox.append({ ...registration, subject: '2', card: 'C2' })
  deliver()
  await until(delivered(2))
  expect(JSON.parse(outbox.get(id).receipt ?? '')).toEqual({ ...answer, owner: 'other' })
  expect(new Registrar(outbox, fastClock).ownerOf(id)).toBe('other')
  const items = server.deliveries.flatMap(({ body }) => (JSON.parse(body) as RegistrationsRequest).items)
  expect(items.map(({ consentText }) => consentText)).toEqual(['kiosk-2026-11-es', undefined])
})

test('what one registration is refused for, or fails on, holds up none of the others', async () => {
  speed = 1
  server.item = ({ tarjeta }) =>
    tarjeta === 'C7' ? { status: 422, body: '{}' } : { status: tarjeta === 'C9' ? 500 : 201 }
  acceptMany(100)
  deliver()
  await until(() => outbox.counts().delivered === 98 && outbox.counts().dead === 1)
  // 1 + 2 + 4 + 8 + 16 + 32 and the rest.
  expect(server.deliveries.length).toBeLessThanOrEqual(9)
  server.item = () => ({ status: 201 })
  await until(delivered(99))
})

const hasBad = ({ body }: KioskRequest): boolean => body.includes('BAD')

test.each<[string, (request: KioskRequest) => KioskAnswer | undefined]>([
  ['500', (request) => (hasBad(request) ? { status: 500 } : undefined)],
  ['nonsense', (request) => (hasBad(request) ? { status: 200, body: '<html>' } : undefined)],
  ['nothing', (request) => (hasBad(request) ? { status: 200, hangUp: true } : undefined)],
])('one that makes whole batches fail with %s holds up none of the others', async (_how, answer) => {
  server.answer = answer
  accept('BAD')
  acceptMany(20)
  deliver()
  await until(delivered(20))
  expect(outbox.counts()).toMatchObject({ pending: 1, dead: 0 })
})

test.each<[string, () => void]>([
  ['its batch', () => (server.answer = (request) => (hasBad(request) ? { status: 500 } : undefined))],
  ['alone', () => (server.item = ({ tarjeta }) => ({ status: tarjeta === 'BAD' ? 500 : 201 }))],
])('one that fails (%s) lets those by who wait for it', async (_how, arrange) => {
  arrange()
  const bad = accept('BAD', 'one client')
  for (const card of ['FIRST', 'SECOND']) accept(card, 'one client')
  deliver()
  await until(delivered(2))
  expect(outbox.get(bad.id)).toMatchObject({ state: 'pending', failures: 2 })
})

describe('a wait that the server asks for', () => {
  const forLong = { 'retry-after': '3000' }
  const awhile = (): Promise<void> => fastClock.sleep(20_000, new AbortController().signal)

  test('with one item of several is kept by that one alone', async () => {
    server.item = ({ tarjeta }) => (tarjeta === 'C3' ? { status: 429, headers: forLong } : { status: 201 })
    acceptMany(20)
    deliver()
    await until(delivered(19))
    sync.tryNow()
    await awhile()
    expect(server.deliveries.filter(({ body }) => body.includes('C3'))).toHaveLength(1)
  })

  test.each<[string, () => void]>([
    ['items', () => (server.item = () => ({ status: 429, headers: forLong }))],
    [
      'whole batch',
      () =>
        (server.answer = ({ items }) => (items.length > 0 ? { status: 429, headers: forLong } : undefined)),
    ],
    [
      'last batch of a minute',
      () =>
        (server.answer = ({ items }) => {
          const results = items.map(({ idempotencyKey }) => ({
            ...{ idempotencyKey, status: 422, headers: {}, body: '{}' },
          }))
          const headers = { 'x-ratelimit-remaining': '0', ...forLong }
          return items.length === 0 ? undefined : { status: 200, headers, body: JSON.stringify({ results }) }
        }),
    ],
  ])('with its %s is kept on a full disk too', async (_how, arrange) => {
    arrange()
    acceptMany(1)
    deliver(5_000, onFullDisk(outbox))
    await until(() => server.deliveries.length === 1)
    await awhile()
    sync.tryNow()
    await awhile()
    expect(server.deliveries).toHaveLength(1)
  })

  test('is one for reports too', async () => {
    server.answer = ({ items }) => (items.length > 1 ? { status: 429, headers: forLong } : undefined)
    acceptMany(5)
    deliver()
    await until(() => server.deliveries.some(({ items }) => items.length > 1))
    const before = reports().length
    // A report would have been due.
    await fastClock.sleep(150_000, new AbortController().signal)
    expect(reports()).toHaveLength(before)
  })
})

test('when the answer is lost the same keys go again, under a new number', async () => {
  let lost = 0
  server.answer = ({ items }) => (items.length > 0 && lost++ < 2 ? { status: 200, hangUp: true } : undefined)
  acceptMany(10)
  deliver()
  await until(delivered(10))
  const sequences = server.received
    .map(({ sequence }) => sequence)
    .filter((sequence) => !Number.isNaN(sequence))
  expect(sequences).toEqual([...new Set(sequences)].toSorted((a, b) => a - b))
  const keys = server.deliveries.flatMap(({ items }) => items.map(({ idempotencyKey }) => idempotencyKey))
  expect(new Set(keys).size).toBe(10)
  expect(keys.length).toBeGreaterThan(11)
})

test('numbers rise over restarts, whatever became of those before', async () => {
  acceptMany(3)
  const end = deliver()
  await until(delivered(3))
  await end()
  const before = Math.max(...server.deliveries.map(({ sequence }) => sequence))
  acceptMany(1, 'D')
  deliver()
  await until(delivered(4))
  expect(server.received.at(-1)?.sequence).toBeGreaterThan(before)
  expect(readIdentity(folder)?.block).toBe(2)
})

test('a live tap does not wait for the backlog, and goes alone', async () => {
  server.answer = ({ items }) =>
    items.length > 1 ? { status: 429, headers: { 'retry-after': '3000' } } : undefined
  acceptMany(50)
  deliver()
  await until(() => server.deliveries.some(({ items }) => items.length === 2))
  const live = accept('LIVE')
  sync.expedite(live.id)
  await until(() => outbox.get(live.id).state === 'delivered')
  expect(server.deliveries.at(-1)?.items).toMatchObject([{ idempotencyKey: live.idempotencyKey }])
  // The server asked the backlog to wait, and it does.
  await fastClock.sleep(20_000, new AbortController().signal)
  expect(server.deliveries.at(-1)?.items).toMatchObject([{ idempotencyKey: live.idempotencyKey }])
  expect(sync.status.state).toBe('online')
})

test('several live taps go one by one where the server takes no batch for now', async () => {
  server.answer = ({ items }) =>
    items.length > 1 ? { status: 429, headers: { 'retry-after': '3000' } } : undefined
  acceptMany(10)
  const end = deliver()
  await until(() => server.deliveries.some(({ items }) => items.length > 1))
  const refused = server.deliveries.length
  for (const { id } of acceptMany(5, 'LIVE')) sync.expedite(id)
  await until(() => outbox.list(5).every(({ state }) => state === 'delivered'))
  await end()
  expect(server.deliveries.slice(refused).map(({ items }) => items.length)).toEqual([1, 1, 1, 1, 1])
})

describe('the documented endpoint takes over', () => {
  test.each([
    [404, 'kiosk-unsupported', { status: 404, body: '{"message":"no"}' }],
    [405, 'kiosk-unsupported', { status: 405 }],
    [403, 'kiosk-pending', refusal(403, 'kiosk-pending')],
  ])(
    'where batches are answered %i (%s), and batches are tried again later',
    async (_status, reason, answer) => {
      let isOld = true
      server.answer = ({ path }) => (isOld && path.startsWith('/v1/kiosk/') ? answer : undefined)
      acceptMany(3)
      deliver()
      await until(delivered(3))
      expect(server.deliveries.filter(({ path }) => path === '/api/clientes/register')).toHaveLength(3)
      expect(sync.status).toMatchObject({ state: 'online', delivery: 'documented', deliveryReason: reason })
      expect(channel.documented).toBe(3)
      isOld = false
      sync.tryNow()
      acceptMany(3, 'D')
      sync.wake()
      await until(delivered(6))
      expect(sync.status.delivery).toBe('batches')
      expect(channel.documented).toBe(3)
    },
  )

  test('for a machine that joined another server', async () => {
    joinServer('http://127.0.0.1:1')
    acceptMany(2)
    deliver()
    await until(delivered(2))
    expect(sync.status).toMatchObject({ delivery: 'documented', deliveryReason: 'kiosk-joined-elsewhere' })
  })

  test('where the identity cannot be read', async () => {
    writeFileSync(identityPath(folder), '{"kioskId": 7')
    acceptMany(2)
    deliver()
    await until(delivered(2))
    expect([channel.status, sync.status.delivery]).toEqual([null, 'documented'])
    expect(existsSync(identityPath(folder))).toBe(true)
  })
})

test.each([
  [401, 'key-unknown', 'kiosk-key-unknown'],
  [401, 'signature-invalid', 'kiosk-signature-refused'],
  [403, 'kiosk-locked', 'kiosk-locked'],
  [403, 'kiosk-revoked', 'kiosk-revoked'],
])('%i %s pauses: nothing is lost, and it goes on once mended', async (status, code, reason) => {
  let isRefused = true
  server.answer = () => (isRefused ? refusal(status, code) : undefined)
  acceptMany(5)
  deliver()
  await until(() => sync.status.state === 'paused')
  expect(sync.status.reason).toBe(reason)
  expect(outbox.counts()).toMatchObject({ pending: 5, dead: 0 })
  isRefused = false
  await until(delivered(5))
})

test('a batch that is too large goes in halves; one that is too large alone becomes a dead letter', async () => {
  server.answer = ({ path, items, body }) =>
    items.length > 2 || body.includes('HUGE')
      ? { status: 413, body: path === registrationsPath ? '{}' : 'no' }
      : undefined
  acceptMany(12)
  accept('HUGE')
  deliver()
  await until(() => outbox.counts().delivered === 12 && outbox.counts().dead === 1)
})

test('what answers for the server without being it delivers nothing', async () => {
  const receipt = JSON.stringify({ id: 1, tarjeta: 'C0', mensaje: 'cliente nuevo', esDuplicado: false })
  const ofAnother = { idempotencyKey: 'another', status: 201, headers: {}, body: receipt }
  const wrong = ['<html>', '{"results":[]}', JSON.stringify({ results: [ofAnother] })]
  server.answer = ({ items }) => {
    const body = items.length === 0 ? undefined : wrong[server.deliveries.length - 1]
    return body === undefined ? undefined : { status: 200, body }
  }
  acceptMany(5)
  deliver()
  await until(delivered(5))
  // Whatever was answered so went again.
  const keys = server.deliveries.map(({ items }) => items.map(({ idempotencyKey }) => idempotencyKey))
  expect(keys.slice(3).flat()).toEqual(expect.arrayContaining(keys.slice(0, 3).flat()))
})

test('a question whether we are there is answered under the same number', async () => {
  server.answer = ({ path, headers }) => {
    if (path !== registrationsPath) return undefined
    return headers[challengeHeader] === undefined
      ? refusal(409, 'sequence-behind', { challenge: 'are you there' })
      : refusal(403, 'kiosk-locked')
  }
  acceptMany(1)
  deliver()
  await until(() => sync.status.reason === 'kiosk-locked')
  const [asked, answered] = server.deliveries
  expect(answered?.sequence).toBe(asked?.sequence)
  expect(answered?.headers[challengeHeader]).toBe('are you there')
  expect(String(answered?.headers['signature-input'])).toContain(`"${challengeHeader}"`)
})

test('a clock that is ten years off, either way, or is set while we deliver, changes nothing', async () => {
  const setWall = (): void => {
    wallOffsetMs = ((server.received.length % 3) - 1) * 10 * 365 * 24 * 3_600_000
  }
  acceptMany(1)
  server.answer = ({ items }) => {
    setWall()
    return server.deliveries.length === 1 && items.length > 0
      ? // By the answer's own clock a tenth of a second of ours.
        {
          status: 503,
          headers: { date: 'Sun, 06 Nov 1994 08:49:37 GMT', 'retry-after': 'Sun, 06 Nov 1994 08:49:47 GMT' },
        }
      : undefined
  }
  acceptMany(2, 'D')
  deliver()
  await until(() => server.deliveries.length > 0)
  server.answer = () => {
    setWall()
    return undefined
  }
  await until(delivered(3))
  expect(server.received.map(({ headers }) => String(headers['signature-input'])).join()).not.toMatch(
    /created|expires/,
  )
})

test('the server is told how far the outbox has come, without what went another way', async () => {
  acceptMany(2)
  outbox.markDelivered(outbox.list(1)[0]?.id ?? '', '{}')
  deliver()
  await until(() => reports().some((report) => report.delivered === 2))
  expect(reports().at(-1)).toMatchObject({
    ...{
      epoch: outbox.epoch,
      highestSequence: 2,
      accepted: 2,
      pending: 0,
      dead: 0,
      discarded: 0,
      documented: 1,
    },
  })
})

describe('a new key', () => {
  const client = (): ServerClient =>
    stack.use(new ServerClient(server.url, 'test', { connectMs: 1_000, answerMs: 1_000, totalMs: 2_000 }))
  const never = new AbortController().signal
  const taken = { status: 200, body: JSON.stringify({ keyId: 'k', fingerprint: 'f' }) }

  test('takes over once the server has it', async () => {
    server.answer = () => taken
    const [before, kiosk] = [readIdentity(folder), openChannel()]
    await kiosk.rotate(client(), never)
    const after = readIdentity(folder)
    expect(after?.key.x).not.toBe(before?.key.x)
    expect(after?.nextKey).toBeNull()
    expect(kiosk.status?.fingerprint).toBe(after && fingerprint(after.key))
    expect(String(server.received[0]?.headers['signature-input'])).toMatch(/kiosk=.*new-key=/)
  })

  test('whose answer was lost is found out about by the next request', async () => {
    let isLost = true
    server.answer = ({ path, headers }) => {
      if (path === keyPath) return isLost ? { status: 200, hangUp: true } : taken
      const old = readIdentity(folder)
      return old?.nextKey === null || !String(headers['signature-input']).includes('keyid')
        ? undefined
        : refusal(401, 'key-unknown')
    }
    const kiosk = openChannel()
    const before = kiosk.status?.fingerprint
    await expect(kiosk.rotate(client(), never)).rejects.toMatchObject({ code: 'server-timeout' })
    expect(kiosk.status?.fingerprint).toBe(before)
    isLost = false
    const response = await kiosk.post(client(), reportPath, '{}', never)
    expect(response).toMatchObject({ status: 200 })
    expect(kiosk.status?.fingerprint).not.toBe(before)
    expect(readFileSync(identityPath(folder), 'utf8')).toContain('"nextKey": null')
  })
})
