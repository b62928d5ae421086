import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anyBytes, anyContentType, anyHeader, exactJson, nasty } from '../../fuzz.testing.ts'
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

const nastyValue = nasty([])

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
      const changes = fc.dictionary(fc.constantFrom(...fields), nastyValue, { minKeys: 1, maxKeys: 5 })
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
        fc.asyncProperty(anyContentType, anyBytes('TipoDni'), async (type, body) => {
          expectDialect(
            await send(bed.port, { path: registrationRoute, headers: { 'content-type': type }, body }),
          )
        }),
        { numRuns: 200 },
      )
    })

    test('takes no idempotency key amiss', async () => {
      await fc.assert(
        fc.asyncProperty(anyHeader, async (key) => {
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
        fc.asyncProperty(anyContentType, anyBytes('TipoDni'), async (type, body) => {
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
