import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Response } from '../classify.ts'
import { mayBeTaken } from './system.ts'
import { remoteSystems } from './systems.ts'

const nobody = { username: undefined, passwordFile: undefined }
const { 'user-accounts': users, 'digital-registry': registry } = remoteSystems({ registry: nobody })

function answer(status: number, body: unknown = '', headers: Record<string, string> = {}): Response {
  return { kind: 'answer', status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }
}
const lost: Response = { kind: 'failure', code: 'UND_ERR_HEADERS_TIMEOUT', sent: true }

const account = {
  token: 'eyJhbGciOiJIUzI1NiJ9.secret.sig',
  user: {
    usuario_id: 7,
    usuario_login: 'ana',
    usuario_correo: 'ana@example.com',
    usuario_nombre: 'Ana',
    usuario_apellido: 'Ríos',
    departamento_id: 5,
    usuario_celular: null,
    profile: null,
  },
}
const link = {
  status: 200,
  message: 'Registro generado exitosamente',
  data: {
    Codigo: 'A8F121PIO1R7I',
    Url: 'https://decrimlawyers.com/digital/index.php?cod=A8F121PIO1R7I',
    Fecha: '2025-12-05 10:46:29',
  },
}

describe('user-accounts', () => {
  test('of the answer only the number of the account is kept', () => {
    expect(users.classify(answer(201, account), false)).toEqual({
      kind: 'delivered',
      receipt: '{"user":{"usuario_id":7}}',
    })
  })

  test('taken is a refusal, but after a lost answer most likely our own account', () => {
    const taken = answer(409, { error: 'Login o correo ya registrado' })
    expect(users.classify(taken, false)).toMatchObject({ kind: 'dead', error: 'account-taken' })
    expect(users.classify(taken, true)).toMatchObject({ kind: 'delivered', error: 'delivered-unconfirmed' })
  })

  test('a request that is still being answered is no conflict', () => {
    const busy = answer(409, '', { 'idempotency-key-state': 'in-progress' })
    expect(users.classify(busy, true)).toMatchObject({ kind: 'retry', error: 'request-in-progress' })
  })
})

describe('digital-registry', () => {
  test('the link is kept, whatever the message says', () => {
    const reworded = { ...link, message: 'Listo' }
    expect(registry.classify(answer(200, reworded), false)).toEqual({
      kind: 'delivered',
      receipt: JSON.stringify(reworded),
    })
  })

  test.each([
    [401, 'pause', 'registry-refuses-us'],
    [403, 'pause', 'registry-refuses-us'],
    [400, 'dead', 'rejected-invalid'],
    [500, 'retry', 'server-failed'],
  ])('the status %i counts in the body of a 200 as it does by itself', (status, kind, error) => {
    const body = { status, message: 'no' }
    expect(registry.classify(answer(200, body), false)).toMatchObject({ kind, error })
    expect(registry.classify(answer(status, body), false)).toMatchObject({ kind, error })
  })

  test('a key that had its success with another body: refused, but ours after a lost answer', () => {
    expect(registry.classify(answer(422), false)).toMatchObject({ kind: 'dead', error: 'rejected-conflict' })
    expect(registry.classify(answer(422), true)).toMatchObject({ error: 'delivered-unconfirmed' })
  })
})

describe.each([
  ['user-accounts', users],
  ['digital-registry', registry],
])('%s', (_name, system) => {
  test.each([401, 403, 404, 405, 429])('%i concerns this system alone', (status) => {
    expect(system.classify(answer(status), false)).toMatchObject({ alone: true })
  })

  test.each([
    ['a login page', answer(200, '<html>hotel</html>')],
    ['a cut off answer', answer(201, JSON.stringify(account).slice(0, 30))],
    ['an answer of another system', answer(200, { ok: true })],
    ['a redirect', answer(302)],
  ])('%s is no success', (_what, response) => {
    expect(system.classify(response, false)).toMatchObject({
      kind: 'retry',
      error: 'server-unexpected-answer',
    })
  })

  test('a wait that is asked for is kept', () => {
    expect(system.classify(answer(429, '', { 'retry-after': '7' }), false)).toMatchObject({ waitMs: 7_000 })
  })

  test('a lost answer is no refusal', () => {
    expect(system.classify(lost, false)).toEqual({ kind: 'retry', error: 'server-timeout', suspect: true })
  })
})

test.each([
  ['no answer', lost, true],
  ['no connection', { kind: 'failure', code: 'ECONNREFUSED', sent: false } as const, false],
  ['a success that cannot be read', answer(201), true],
  ['a gateway without an answer', answer(504), true],
  ['a failed server', answer(500), true],
  ['a server that takes nothing now', answer(503), false],
  ['a refusal', answer(401), false],
  ['too many requests', answer(429), false],
])('after %s, whether the server may have it', (_name, response, may) => {
  expect(mayBeTaken(response)).toBe(may)
})

describe('credentials of the digital registry', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'registry-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })
  const stored = '{"Dni":"987654321","TipoDni":1,"Nombres":"Jorge"}'

  test('are added as a row leaves, and a corrected password counts at once', () => {
    const passwordFile = join(folder, 'password')
    const { bodyOf } = remoteSystems({ registry: { username: '123', passwordFile } })['digital-registry']
    expect(bodyOf(stored)).toEqual({ error: 'registry-not-configured' })
    writeFileSync(passwordFile, ' wrong \n')
    const sent = bodyOf(stored)
    expect('body' in sent && JSON.parse(sent.body)).toEqual({
      Username: '123',
      Password: ' wrong ',
      Dni: '987654321',
      TipoDni: 1,
      Nombres: 'Jorge',
    })
    writeFileSync(passwordFile, 'right')
    expect(bodyOf(stored)).toMatchObject({ body: expect.stringContaining('"Password":"right"') as string })
  })

  test('without them nothing is sent', () => {
    expect(registry.bodyOf(stored)).toEqual({ error: 'registry-not-configured' })
  })
})
