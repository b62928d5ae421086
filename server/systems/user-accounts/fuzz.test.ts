import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registrationFields } from '../../../shared/contracts/user-accounts.ts'
import { engines, openTestbed, type Received, send, type Testbed } from '../../testbed.testing.ts'
import { licence, person } from './registering.testing.ts'

// Nothing a client can send makes the server fail. 503 is none of these: here one request comes after the other.
const allowed = [201, 400, 409, 413, 415, 422]

function expectDialect({ status, headers, body }: Received): number {
  expect(allowed).toContain(status)
  expect(headers['content-type']).toBe('application/json')
  expect(headers['x-ratelimit-limit']).toBe('1000000')
  const answer = JSON.parse(body) as Record<string, unknown>
  if (status === 201) expect(Object.keys(answer)).toEqual(['token', 'user'])
  else {
    expect(typeof answer['error']).toBe('string')
    expect(Object.keys(answer)).toEqual('details' in answer ? ['error', 'details'] : ['error'])
    for (const detail of (answer['details'] ?? []) as object[]) {
      expect(Object.keys(detail)).toEqual(['field', 'message'])
    }
  }
  return status
}

const nasty = fc.oneof(
  fc.constantFrom<unknown>(
    '\0',
    'a\0b',
    '\ud800',
    '\udc00x',
    '\u202e',
    '٣',
    '"',
    '\\',
    "'; drop table user_accounts; --",
    [],
    {},
    [[]],
    { length: 1 },
    '__proto__',
    'a@b.c',
    `${'a'.repeat(64)}@${'b.'.repeat(90)}cc`,
    '2026-02-30',
    '9999-12-31T23:59:59.999999999+14:00',
    '-000001-01-01',
    true,
    false,
    null,
    -0,
    1e21,
    1e308,
    2 ** 31,
    -(2 ** 31),
    Number.MAX_SAFE_INTEGER,
  ),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  fc.emailAddress(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  fc.integer({ min: -5, max: 30 }),
  fc.jsonValue(),
)

/** JSON text in which bigints stand as the long integers they are. */
function exactJson(value: Record<string, unknown>): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? `bigint ${part.toString()}` : part,
  ).replace(/"bigint (-?\d+)"/g, '$1')
}

const json = { 'content-type': 'application/json' }

describe.each(engines)('on %s', (engine) => {
  let bed: Testbed
  let next = 0
  beforeAll(async () => {
    bed = await openTestbed({ engine })
  })
  afterAll(() => bed[Symbol.asyncDispose]())

  const post = (body: string | Buffer, headers: Record<string, string> = json) =>
    send(bed.port, { path: '/api/register', headers, body })
  const accounts = async () =>
    (await bed.database.db.selectFrom('user_accounts').select('id').execute()).length

  test('no value of any field makes the server fail, and what is refused is not stored', async () => {
    const changes = fc.dictionary(fc.constantFrom(...registrationFields), nasty, { minKeys: 1, maxKeys: 4 })
    const licensed = fc.boolean()
    const met = new Set<number>()
    await fc.assert(
      fc.asyncProperty(changes, licensed, async (changed, withLicence) => {
        const before = await accounts()
        const body = person((next += 1), { ...(withLicence ? licence : {}), ...changed })
        const status = expectDialect(await post(exactJson(body)))
        met.add(status)
        expect(await accounts()).toBe(before + (status === 201 ? 1 : 0))
      }),
      { numRuns: 300 },
    )
    expect([met.has(201), met.has(400)]).toEqual([true, true])
  }, 120_000)

  test('no bytes of any type make the server fail', async () => {
    const before = await accounts()
    const type = fc.oneof(
      fc.constantFrom(
        'application/json',
        'application/json; charset=utf-16',
        'text/plain',
        'multipart/form-data; boundary=x',
        '*/*',
        'json',
        ';',
        '+json',
      ),
      fc.stringMatching(/^[!-~]{1,30}$/),
    )
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 2_000 }).map((array) => Buffer.from(array)),
      fc.json().map((text) => Buffer.from(text)),
      fc.constantFrom(60_000, 65_536).map((depth) => Buffer.from('['.repeat(depth))),
      fc.constant(Buffer.from(`{"departamentoId":${'9'.repeat(60_000)}}`)),
      fc.constant(Buffer.alloc(1_000_000, '{"a":')),
    )
    await fc.assert(
      fc.asyncProperty(type, bytes, async (contentType, body) => {
        expectDialect(await post(body, { 'content-type': contentType }))
      }),
      { numRuns: 150 },
    )
    expect(await accounts()).toBe(before)
  })

  test('no idempotency key makes the server fail', async () => {
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,300}$/), async (key) => {
        expectDialect(await post(JSON.stringify(person((next += 1))), { ...json, 'idempotency-key': key }))
      }),
      { numRuns: 40 },
    )
  })

  test('no authorization makes /v1/me fail, or gives anything away', async () => {
    const { body } = await post(JSON.stringify(person((next += 1))))
    const { token } = JSON.parse(body) as { token: string }
    const [head = '', payload = '', signature = ''] = token.split('.')
    const parts = fc.oneof(
      fc.constantFrom(head, payload, signature, '', 'e30', 'bnVsbA', '*'),
      fc.base64String({ maxLength: 60 }),
      fc.json({ maxDepth: 1 }).map((text) => Buffer.from(text).toString('base64url')),
    )
    const value = fc.oneof(
      fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,300}$/),
      fc.array(parts, { maxLength: 5 }).map((list) => `Bearer ${list.join('.')}`),
    )
    await fc.assert(
      fc.asyncProperty(value, async (authorization) => {
        fc.pre(authorization !== `Bearer ${token}`)
        const answer = await send(bed.port, { method: 'GET', path: '/v1/me', headers: { authorization } })
        expect(answer.status).toBe(401)
        expect(['{"error":"Token no provisto"}', '{"error":"Token inválido o caducado"}']).toContain(
          answer.body,
        )
        expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
      }),
      { numRuns: 200 },
    )
  })
})
