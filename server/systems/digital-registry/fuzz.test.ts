import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engines, send, type Received } from '../../testbed.testing.ts'
import {
  ask,
  exampleRequest,
  newCode,
  openRegistry,
  registrationRoute,
  type Registry,
} from './registry.testing.ts'

// The document's answers and ours: nothing a client can send makes the server fail.
const allowed = [200, 400, 401, 409, 413, 422, 429]

function expectDialect({ status, headers, body }: Received): void {
  expect(allowed).toContain(status)
  expect(headers['content-type']).toBe('application/json')
  expect(headers['x-ratelimit-limit']).toBe('1000000')
  const answer = JSON.parse(body) as Record<string, unknown>
  expect(Object.keys(answer)).toEqual(status === 200 ? ['status', 'message', 'data'] : ['status', 'message'])
  expect(answer['status']).toBe(status)
  expect(answer['message']).toEqual(expect.any(String))
}

function expectPage({ status, headers, body }: Received): void {
  expect([200, 303, 400, 403, 404, 413, 415]).toContain(status)
  expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/)
  expect(headers['cache-control']).toBe('no-store')
  if (status === 303) return
  expect(headers['content-type']).toBe('text/html; charset=utf-8')
  expect(body).toMatch(/^<!doctype html>\n[^]*<html lang="(es|en)">[^]*<h1>[^]*<\/html>$/)
  expect(body).not.toMatch(/<script|undefined|\[object/i)
}

const nasty = fc.oneof(
  fc.constantFrom<unknown>(
    '\0',
    'a\0b',
    '\ud800',
    '\u202e',
    '𝟙',
    '1e3',
    '٣',
    "'; drop table entities; --",
    '<script>alert(1)</script>',
    [],
    {},
    [[]],
    '__proto__',
    true,
    false,
    null,
    -0,
    1e21,
    Number.MAX_SAFE_INTEGER,
  ),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 70 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  fc.jsonValue(),
)

/** JSON text in which bigints stand as the long integers they are. */
function exactJson(value: Record<string, unknown>): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? `bigint ${part.toString()}` : part,
  ).replace(/"bigint (-?\d+)"/g, '$1')
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }).map((array) => Buffer.from(array)),
  fc.json().map((text) => Buffer.from(text)),
  fc.constantFrom(60_000, 65_536).map((depth) => Buffer.from('['.repeat(depth))),
  fc.constant(Buffer.from(`{"TipoDni":${'9'.repeat(60_000)}}`)),
  fc.constant(Buffer.alloc(1_000_000, '{"a":')),
)

const types = fc.oneof(
  fc.constantFrom(
    'application/json',
    'application/json; charset=utf-16',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    '*/*',
    ';',
  ),
  fc.stringMatching(/^[!-~]{1,30}$/),
)

const longestWaitMs = 15 * 60_000

const form = { 'content-type': 'application/x-www-form-urlencoded' }

describe.each(engines)('on %s', (engine) => {
  let bed: Registry
  let code: string
  beforeAll(async () => {
    bed = await openRegistry({ engine })
    code = await newCode(bed.port)
  })
  afterAll(() => bed[Symbol.asyncDispose]())

  describe('the API', () => {
    test('takes no value of any field amiss', async () => {
      const fields = Object.keys(exampleRequest())
      const changes = fc.dictionary(fc.constantFrom(...fields), nasty, { minKeys: 1, maxKeys: 5 })
      await fc.assert(
        fc.asyncProperty(changes, async (changed) => {
          // Past the wait for wrong passwords, so that each one is looked at.
          bed.clock.advance(longestWaitMs)
          expectDialect(await ask(bed.port, {}, { body: exactJson(exampleRequest(changed)) }))
        }),
        { numRuns: 300 },
      )
    })

    test('takes no bytes of any type amiss', async () => {
      await fc.assert(
        fc.asyncProperty(types, bytes, async (type, body) => {
          expectDialect(
            await send(bed.port, { path: registrationRoute, headers: { 'content-type': type }, body }),
          )
        }),
        { numRuns: 200 },
      )
    })

    test('takes no idempotency key amiss', async () => {
      await fc.assert(
        fc.asyncProperty(fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,300}$/), async (key) => {
          expectDialect(await ask(bed.port, { TipoDni: 99 }, { headers: { 'idempotency-key': key } }))
        }),
        { numRuns: 50 },
      )
    })
  })

  describe('the page', () => {
    const path = (): string => `/digital/index.php?cod=${code}`

    test('takes no query amiss', async () => {
      const parameter = fc.tuple(
        fc.constantFrom('cod', 'lang', 'cod[]', 'x', ''),
        fc.oneof(fc.constantFrom('en', 'es', code), fc.string({ unit: 'grapheme', maxLength: 30 })),
      )
      const query = fc.oneof(
        fc.array(parameter, { maxLength: 4 }).map((pairs) => new URLSearchParams(pairs).toString()),
        fc.stringMatching(/^[!-"$-~]{0,80}$/),
      )
      await fc.assert(
        fc.asyncProperty(query, fc.constantFrom('GET', 'POST'), async (text, method) => {
          expectPage(await send(bed.port, { method, path: `/digital/index.php?${text}`, headers: form }))
        }),
        { numRuns: 300 },
      )
    })

    test('takes no answer to its forms amiss', async () => {
      const part = fc.oneof(
        fc.constantFrom('documento', 'confirmacion', 'si', '1', '987654320', '\0', '\u202e'),
        fc.string({ unit: 'grapheme', maxLength: 40 }),
      )
      const names = fc.constantFrom('paso', 'documento', 'prueba', 'acepto', 'version', 'x')
      const fields = fc.array(fc.tuple(names, part), { maxLength: 7 })
      await fc.assert(
        fc.asyncProperty(fields, async (pairs) => {
          // A locked link would look at nothing any more.
          await bed.database.db.updateTable('digital_registrations').set({ wrong_proofs: 0 }).execute()
          const body = new URLSearchParams(pairs).toString()
          expectPage(await send(bed.port, { path: path(), headers: form, body }))
        }),
        { numRuns: 300 },
      )
      expect(
        await bed.database.db
          .selectFrom('digital_registrations')
          .select('state')
          .where('id', '=', 1)
          .execute(),
      ).toEqual([{ state: 'generado' }])
    })

    test('takes no bytes of any type amiss', async () => {
      await fc.assert(
        fc.asyncProperty(types, bytes, async (type, body) => {
          expectPage(await send(bed.port, { path: path(), headers: { 'content-type': type }, body }))
        }),
        { numRuns: 150 },
      )
    })

    test('takes no cookie amiss', async () => {
      await fc.assert(
        fc.asyncProperty(fc.stringMatching(/^(prueba=)?[!-~ ]{0,200}$/), async (cookie) => {
          const received = await send(bed.port, { method: 'GET', path: path(), headers: { cookie } })
          expectPage(received)
          expect(received.body).not.toContain('Jorge')
        }),
        { numRuns: 100 },
      )
    })
  })
})
