import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SimulatedDevices } from '../../../devices/drivers/simulated-devices.ts'
import { readReaderSpec } from '../../../devices/spec.ts'
import { superviseReader, type SupervisedReader } from '../../../devices/supervisor.ts'
import { systemClock } from '../../../shared/clock.ts'
import { createLog } from '../../../shared/log.ts'
import { parseClient } from '../../enrolment/client-data.ts'
import { receiptCode } from '../../outbox/receipt-code.ts'
import { cookieName, pageCookie } from '../guard.ts'
import { enrolmentRequest, openPageBed, personal, post, secret, send, type PageBed } from '../page.testing.ts'
import { Machine } from './machine.ts'
import { setPin } from './pin.ts'
import type { OperatorView } from './view.ts'

const pin = '314159'
const readerId = 'simulated:lobby'
let bed: PageBed
let devices: SimulatedDevices
let cookie: string
const stop = { over: new AbortController(), running: Promise.resolve() }

async function openReader(): Promise<SupervisedReader> {
  devices = new SimulatedDevices(systemClock)
  const reader = superviseReader({
    spec: await readReaderSpec(readerId),
    clock: systemClock,
    log: createLog('test', 'fatal'),
    simulatedDevices: devices,
    onTap: ({ uid }) => {
      bed.tap(uid)
    },
  })
  stop.over = new AbortController()
  stop.running = reader.run(stop.over.signal)
  await vi.waitFor(() => {
    expect(reader.status.state).toBe('ready')
  })
  return reader
}

beforeEach(async () => {
  bed = await openPageBed({ readers: [await openReader()] })
  await setPin(bed.folder, pin)
})
afterEach(async () => {
  stop.over.abort()
  await stop.running
  await bed[Symbol.asyncDispose]()
})

async function enter(): Promise<IncomingMessage> {
  const response = await post(bed, '/operator/enter', { pin })
  const [set = ''] = response.headers['set-cookie'] ?? []
  expect(set).toMatch(/^vlt-operator=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/operator$/)
  cookie = `${cookieName}=${pageCookie(secret)}; ${set.split(';')[0] ?? ''}`
  return response
}

async function act(path: string, body: unknown = {}): Promise<OperatorView> {
  const headers = { cookie }
  const response = await send(bed, `/operator/${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  expect(response.statusCode).toBe(200)
  return JSON.parse(await text(response)) as OperatorView
}

/** What the operator sees, as it is pushed. */
async function watch(): Promise<{ view: () => OperatorView; stream: IncomingMessage }> {
  const stream = await send(bed, '/operator/events', { headers: { cookie } })
  let last = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => (last = chunk))
  await once(stream, 'data')
  return { view: () => JSON.parse(last.slice('data: '.length)) as OperatorView, stream }
}

const audit = (): string[] =>
  readFileSync(join(bed.folder, 'operator-audit.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { event: string }).event)

test.each(['test', 'retry', 'send', 'bundle', 'machine', 'keep', 'leave'])(
  '%s needs the PIN',
  async (path) => {
    expect((await post(bed, `/operator/${path}`)).statusCode).toBe(401)
  },
)

test('what there is to see needs the PIN, and a guess of the cookie is none', async () => {
  expect((await send(bed, '/operator/events')).statusCode).toBe(401)
  const guess = { cookie: `${cookieName}=${pageCookie(secret)}; vlt-operator=guess` }
  expect((await send(bed, '/operator/events', { headers: guess })).statusCode).toBe(401)
})

test('tries are counted, the lock is told, and all of it is in the audit', async () => {
  for (const triesLeft of [4, 3, 2, 1]) {
    const response = await post(bed, '/operator/enter', { pin: '000000' })
    expect(JSON.parse(await text(response))).toEqual({ code: 'wrong-pin', triesLeft })
  }
  const locked = await post(bed, '/operator/enter', { pin: '000000' })
  expect([locked.statusCode, JSON.parse(await text(locked))]).toEqual([429, { code: 'locked', seconds: 300 }])
  expect((await post(bed, '/operator/enter', { pin })).statusCode).toBe(429)
  expect(audit()).toEqual(['pin-wrong', 'pin-wrong', 'pin-wrong', 'pin-wrong', 'pin-locked', 'pin-locked'])
})

test('who leaves is out, and the stream ends', async () => {
  await enter()
  const { stream } = await watch()
  await act('leave')
  await vi.waitFor(() => {
    expect(stream.readableEnded).toBe(true)
  })
  expect((await send(bed, '/operator/events', { headers: { cookie } })).statusCode).toBe(401)
  expect(audit()).toEqual(['pin-right', 'left'])
})

test('cards are seen as they come, and only by their end', async () => {
  await enter()
  const { view, stream } = await watch()
  devices.tap('lobby', 'A0C2BBCA')
  devices.raw('lobby', 'garbage\r')
  await vi.waitFor(() => {
    expect(view().lines).toMatchObject([
      { what: 'rejected' },
      { what: 'tap', card: '…BBCA', worth: 'stable' },
    ])
  })
  expect(JSON.stringify(view())).not.toContain('A0C2BBCA')
  stream.destroy()
})

test('three taps of one card test a reader: they are nobody’s, and the result is kept', async () => {
  await enter()
  const { view, stream } = await watch()
  bed.desk.start(parseClient(JSON.stringify(enrolmentRequest().client)), 60_000)
  expect((await act('test', { reader: readerId })).test).toEqual({ reader: readerId, taps: 0, of: 3 })
  for (let taps = 1; taps <= 3; taps++) {
    devices.tap('lobby', 'A0C2BBCA')
    await vi.waitFor(() => {
      expect(view().test?.taps).toBe(taps)
    })
  }
  await vi.waitFor(() => {
    expect(view()).toMatchObject({ test: null, results: { [readerId]: { verdict: 'good', problems: [] } } })
  })
  expect(bed.desk.waiting).toBe(1)
  expect(audit()).toEqual(['pin-right', 'reader-tested'])
  expect(readFileSync(join(bed.folder, 'reader-tests.json'), 'utf8')).toContain('"verdict":"good"')
  stream.destroy()
})

test('a test that is given up lets the next card through', async () => {
  await enter()
  await act('test', { reader: readerId })
  expect((await act('test', { reader: null })).test).toBeNull()
  bed.desk.start(parseClient(JSON.stringify(enrolmentRequest().client)), 60_000)
  devices.tap('lobby', 'A0C2BBCA')
  await vi.waitFor(() => {
    expect(bed.desk.waiting).toBe(0)
  })
})

test('each failure is shown with its cause and its way out, and sent again by its code', async () => {
  await enter()
  const ids = [1, 2].map((codigo) => {
    bed.desk.start(parseClient(JSON.stringify(enrolmentRequest(codigo).client)), 60_000)
    bed.tap(`A0C2BBC${String(codigo)}`)
    return bed.outbox.list(1)[0]?.id ?? ''
  })
  bed.outbox.markDead(ids[0] ?? '', 'rejected-invalid', null)
  bed.outbox.recordAttempt(ids[1] ?? '', 'server-timeout')
  const { view, stream } = await watch()
  const code = receiptCode(ids[0] ?? '')
  expect(view().queue.failures).toMatchObject([
    { code, state: 'dead', error: 'rejected-invalid', hint: expect.stringMatching(/./) as string },
    { code: receiptCode(ids[1] ?? ''), state: 'pending', error: 'server-timeout', attempts: 1 },
  ])
  expect(JSON.stringify(view())).not.toContain(personal)
  const after = await act('retry', { code })
  expect(after.queue).toMatchObject({ pending: 2, deadLetters: 0 })
  expect(bed.sentNow).toBe(1)
  expect(audit()).toEqual(['pin-right', 'retried'])
  stream.destroy()
})

test('a diagnostic bundle is written on request, and its place told', async () => {
  await enter()
  expect(await act('bundle')).toMatchObject({ bundle: join(bed.folder, 'bundle.json') })
  expect(audit()).toEqual(['pin-right', 'bundle-written'])
})

test('what does not exist is refused, and everything goes on', async () => {
  await enter()
  const headers = { cookie }
  const retry = await send(bed, '/operator/retry', { method: 'POST', headers, body: '{"code":"GGGGGG"}' })
  expect(retry.statusCode).toBe(409)
  const level = await send(bed, '/operator/machine', { method: 'POST', headers, body: '{"volume":7}' })
  expect(level.statusCode).toBe(400)
})

test('the volume is kept, and brightness only offered where the machine allows it', async () => {
  await enter()
  expect(await act('machine', { volume: 0.3 })).toMatchObject({ volume: 0.3, brightness: null })
  expect(new Machine(bed.folder, join(bed.folder, 'none')).volume).toBe(0.3)

  const screen = join(bed.folder, 'screens', 'panel')
  mkdirSync(screen, { recursive: true })
  writeFileSync(join(screen, 'max_brightness'), '200\n')
  writeFileSync(join(screen, 'brightness'), '100\n')
  const machine = new Machine(bed.folder, join(bed.folder, 'screens'))
  expect(machine.brightness).toBe(0.5)
  machine.setBrightness(0)
  expect(readFileSync(join(screen, 'brightness'), 'utf8')).toBe('20')
})
