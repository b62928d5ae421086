import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock, type Clock } from '../../shared/clock.ts'
import { parseClient } from '../enrolment/client-data.ts'
import { Registrar } from '../enrolment/registrar.ts'
import { Outbox } from '../outbox/outbox.ts'
import type { CardUid } from '../../shared/card-uid.ts'
import { openPage, type OpenPage } from './server.ts'
import { PageState } from './state.ts'

const personal = 'CANARY-NAME'
let folder: string
let outbox: Outbox
let registrar: Registrar
let state: PageState
let page: OpenPage
const health = { readerReady: true, serverOnline: true }

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'page-'))
  outbox = Outbox.open(folder, systemClock)
  registrar = new Registrar(outbox, systemClock)
  state = new PageState(registrar, systemClock)
  page = await openPage({ pagePort: 0, language: 'es' }, state, () => health)
})
afterEach(async () => {
  state[Symbol.dispose]()
  await page[Symbol.asyncDispose]()
  outbox[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

async function get(
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<IncomingMessage> {
  const sent = request(new URL(path, page.url), { headers, method }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

function register() {
  const client = parseClient(
    JSON.stringify({
      codigoClienteVLT: 70,
      correo: 'a@b.pe',
      enviarWhatsApp: true,
      enviarCorreo: false,
      enviarSms: false,
      nombre: personal,
    }),
  )
  return registrar.accept(client, 'A0C2BBCA' as CardUid, null)
}

async function screenName(): Promise<string> {
  const { screen } = JSON.parse(await text(await get('/state'))) as { screen: { name: string } }
  return screen.name
}

test.each(['/', '/page.css', '/page.js'])('%s is served, with nothing from elsewhere', async (path) => {
  const response = await get(path)
  expect(response.statusCode).toBe(200)
  expect(response.headers['content-security-policy']).toContain("default-src 'none'")
  expect(response.headers['x-frame-options']).toBe('DENY')
  expect(await text(response)).not.toMatch(/https?:\/\//)
})

test.each(['evil.example', '127.0.0.1', 'localhost:1', '127.0.0.1.evil.example:80'])(
  'a request under the name %s is refused, so that no other page can read this one',
  async (host) => {
    const response = await get('/state', { host })
    expect(response.statusCode).toBe(403)
    response.resume()
  },
)

test.each(['POST', 'PUT', 'DELETE'])('%s changes nothing: there is no such route', async (method) => {
  const response = await get('/state', {}, method)
  expect(response.statusCode).toBe(404)
  response.resume()
})

test('the person sees "saved" first, and "registered" only once the server has confirmed it', async () => {
  expect(await screenName()).toBe('idle')
  const registration = register()
  state.show({ kind: 'accepted', registration })
  expect(await screenName()).toBe('saved')
  outbox.markDelivered(
    registration.id,
    JSON.stringify({ id: 1, tarjeta: 'A0C2BBCA', mensaje: 'cliente nuevo', esDuplicado: false }),
  )
  registrar.settled(registration.id)
  await vi.waitFor(async () => {
    expect(await screenName()).toBe('registered')
  })
})

test('a refused tap and a tap without data are shown as what they are', async () => {
  state.show({ kind: 'unclaimed' })
  expect(await screenName()).toBe('unclaimed')
  state.show({
    kind: 'refused',
    outcome: { state: 'rejected', registrationId: null, receipt: null, error: null },
  })
  expect(await screenName()).toBe('rejected')
})

test('changes are pushed, and nothing personal with them', async () => {
  const response = await get('/events')
  let received = ''
  response.setEncoding('utf8').on('data', (chunk: string) => (received += chunk))
  state.show({ kind: 'accepted', registration: register() })
  await vi.waitFor(() => {
    expect(received).toContain('"saved"')
  })
  expect(received).not.toContain(personal)
  expect(received).not.toContain('A0C2BBCA')
  response.destroy()
})

test('an outcome is not wiped off by what happens to others, and makes room for who waits', () => {
  const now = { monoMs: 0 }
  const clock: Clock = {
    now: () => systemClock.now(),
    monoMs: () => now.monoMs,
    sleep: () => new Promise(() => undefined),
  }
  const screens = new PageState(registrar, clock)
  let waiting = 0
  screens.watchDesk(() => waiting)
  screens.show({
    kind: 'refused',
    outcome: { state: 'rejected', registrationId: null, receipt: null, error: null },
  })
  for (const kind of ['expired', 'unclaimed', 'waiting', 'cancelled'] as const) screens.show({ kind })
  expect(screens.screen.name).toBe('rejected')
  waiting = 1
  expect(screens.screen.name).toBe('rejected')
  now.monoMs = 5_000
  expect(screens.screen.name).toBe('waiting')
  waiting = 0
  expect(screens.screen.name).toBe('rejected')
  screens.show({ kind: 'unclaimed' })
  expect(screens.screen.name).toBe('unclaimed')
  now.monoMs = 25_000
  expect(screens.screen.name).toBe('idle')
})

test('a phone is told at once to be none, but never over an outcome that somebody is reading', () => {
  const now = { monoMs: 0 }
  const clock: Clock = {
    now: () => systemClock.now(),
    monoMs: () => now.monoMs,
    sleep: () => new Promise(() => undefined),
  }
  const screens = new PageState(registrar, clock)
  let waiting = 1
  screens.watchDesk(() => waiting)
  screens.show({ kind: 'random' })
  expect(screens.screen.name).toBe('random')
  now.monoMs = 5_000
  expect(screens.screen.name).toBe('waiting')

  screens.show({ kind: 'accepted', registration: register() })
  waiting = 0
  screens.show({ kind: 'random' })
  expect(screens.screen.name).toBe('saved')
  now.monoMs = 10_000
  screens.show({ kind: 'unclaimed' })
  screens.show({ kind: 'random' })
  expect(screens.screen.name).toBe('random')
  screens[Symbol.dispose]()
})

test('every screen has its words in both languages', async () => {
  const script = await text(await get('/page.js'))
  for (const name of [
    'idle',
    'waiting',
    'saved',
    'registered',
    'duplicate',
    'rejected',
    'unclaimed',
    'expired',
    'random',
  ])
    expect(script.match(new RegExp(`^    ${name}: \\[`, 'gm')), name).toHaveLength(2)
  expect(script).toContain('Usa la tarjeta, no el teléfono')
  expect(script).toContain('Use the card, not the phone')
})

test('a change of the server’s state is shown', async () => {
  const response = await get('/events')
  let received = ''
  response.setEncoding('utf8').on('data', (chunk: string) => (received += chunk))
  health.serverOnline = false
  state.changed()
  await vi.waitFor(() => {
    expect(received).toContain('"serverOnline":false')
  })
  health.serverOnline = true
  response.destroy()
})

test('a taken port is named', async () => {
  const pagePort = Number(new URL(page.url).port)
  await expect(
    openPage({ pagePort, language: 'es' }, state, () => {
      throw new Error('unused')
    }),
  ).rejects.toThrow(expect.objectContaining({ code: 'address-in-use' }))
})
