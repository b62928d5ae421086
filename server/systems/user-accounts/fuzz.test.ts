import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registrationFields } from '../../../shared/contracts/user-accounts.ts'
import { anyBytes, anyContentType, anyHeader, exactJson, nasty } from '../../fuzz.testing.ts'
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

const nastyValue = nasty(
  [`${'a'.repeat(64)}@${'b.'.repeat(90)}cc`, '9999-12-31T23:59:59.999999999+14:00', '-000001-01-01'],
  fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  fc.emailAddress(),
  fc.integer({ min: -5, max: 30 }),
)

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
    const changes = fc.dictionary(fc.constantFrom(...registrationFields), nastyValue, {
      minKeys: 1,
      maxKeys: 4,
    })
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
    await fc.assert(
      fc.asyncProperty(anyContentType, anyBytes('departamentoId'), async (contentType, body) => {
        expectDialect(await post(body, { 'content-type': contentType }))
      }),
      { numRuns: 150 },
    )
    expect(await accounts()).toBe(before)
  })

  test('no idempotency key makes the server fail', async () => {
    await fc.assert(
      fc.asyncProperty(anyHeader, async (key) => {
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
      anyHeader,
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
