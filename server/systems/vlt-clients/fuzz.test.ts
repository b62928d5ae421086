import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anyBytes, anyContentType, anyHeader, exactJson, nasty } from '../../fuzz.testing.ts'
import {
  engines,
  exampleBody,
  openTestbed,
  send,
  type Received,
  type Testbed,
} from '../../testbed.testing.ts'

const fields = Object.keys(exampleBody())

// Laravel's answers and ours: nothing a client can send makes the server fail.
const allowed = [200, 201, 409, 413, 422]

function expectDialect({ status, headers, body }: Received): void {
  expect(allowed).toContain(status)
  expect(headers['content-type']).toBe('application/json')
  expect(headers['x-ratelimit-limit']).toBe('1000000')
  const answer = JSON.parse(body) as Record<string, unknown>
  expect(Object.keys(answer)).toEqual(
    status < 300
      ? ['id', 'tarjeta', 'mensaje', 'esDuplicado']
      : status === 422
        ? ['message', 'errors']
        : ['message'],
  )
}

const nastyValue = nasty(['A0C2BBCA'])

const json = { 'content-type': 'application/json' }

describe.each(engines)('on %s', (engine) => {
  let bed: Testbed
  beforeAll(async () => {
    bed = await openTestbed({ engine })
  })
  afterAll(() => bed[Symbol.asyncDispose]())

  test('no value of any field makes the server fail', async () => {
    const changes = fc.dictionary(fc.constantFrom(...fields), nastyValue, { minKeys: 1, maxKeys: 6 })
    await fc.assert(
      fc.asyncProperty(changes, async (changed) => {
        expectDialect(await send(bed.port, { headers: json, body: exactJson(exampleBody(changed)) }))
      }),
      { numRuns: 400 },
    )
  })

  test('no bytes of any type make the server fail', async () => {
    await fc.assert(
      fc.asyncProperty(anyContentType, anyBytes('codigoClienteVLT'), async (contentType, body) => {
        expectDialect(await send(bed.port, { headers: { 'content-type': contentType }, body }))
      }),
      { numRuns: 200 },
    )
  })

  test('no idempotency key makes the server fail', async () => {
    await fc.assert(
      fc.asyncProperty(anyHeader, async (key) => {
        expectDialect(
          await send(bed.port, {
            headers: { ...json, 'idempotency-key': key },
            body: JSON.stringify(exampleBody()),
          }),
        )
      }),
      { numRuns: 100 },
    )
  })
})
