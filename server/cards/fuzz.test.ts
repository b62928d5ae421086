import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authenticationAnswer, inactiveAnswer } from '../../shared/contracts/cards.ts'
import { createClientSecrets } from '../client-secrets/client-secrets.ts'
import { engines, openTestbed, register, send, type Received, type Testbed } from '../testbed.testing.ts'

const path = '/v1/cards/authenticate'

function expectDialect({ status, headers, body }: Received, allowed: number[]): void {
  expect(allowed).toContain(status)
  expect(headers['content-type']).toBe('application/json')
  expect(headers['x-ratelimit-limit']).toMatch(/^10?000000$/)
  const answer: unknown = JSON.parse(body)
  if (status === 200) authenticationAnswer.strict().parse(answer)
  else if (status === 409) inactiveAnswer.strict().parse(answer)
  else expect(answer).toEqual({ message: expect.any(String) as string })
}

const nasty = fc.oneof(
  fc.constantFrom<unknown>(
    '\0',
    'A0C2BBCA\0',
    '\ud800',
    '\u202eA0C2BBCA',
    '٠١٢٣٤٥٦٧',
    "A0C2BBCA'; drop table cards; --",
    'A0C2BBCA',
    'b1d3ccdb',
    '__proto__',
    [],
    {},
    ['A0C2BBCA'],
    true,
    null,
    -0,
    1e21,
  ),
  fc.stringMatching(/^[0-9A-Fa-f :-]{0,30}$/),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.jsonValue(),
)

describe.each(engines)('on %s', (engine) => {
  let bed: Testbed
  let json: Record<string, string>
  beforeAll(async () => {
    bed = await openTestbed({ engine })
    const { secret } = await createClientSecrets(bed, bed.clock).add('fuzz')
    json = { 'content-type': 'application/json', 'x-client-secret': secret }
    await register(bed.port)
    await register(bed.port, { tarjeta: 'B1D3CCDB' })
  })
  afterAll(() => bed[Symbol.asyncDispose]())

  const readers = [200, 400, 404, 409, 413]

  test('no value makes the server fail', async () => {
    const bodies = fc.record({ cardIdentifier: nasty, other: nasty }, { requiredKeys: [] })
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        expectDialect(await send(bed.port, { path, headers: json, body: JSON.stringify(body) }), readers)
      }),
      { numRuns: 400 },
    )
  })

  test('no bytes of any type make the server fail', async () => {
    const type = fc.oneof(
      fc.constantFrom('application/json', 'application/json; charset=utf-16', 'text/plain', '*/*', ';'),
      fc.stringMatching(/^[!-~]{1,30}$/),
    )
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 2_000 }).map((array) => Buffer.from(array)),
      fc.json().map((text) => Buffer.from(text)),
      fc.constantFrom(60_000, 65_536).map((depth) => Buffer.from('['.repeat(depth))),
      fc.constant(Buffer.from(`{"cardIdentifier":${'9'.repeat(60_000)}}`)),
      fc.constant(Buffer.alloc(1_000_000, '{"a":')),
    )
    await fc.assert(
      fc.asyncProperty(type, bytes, async (contentType, body) => {
        const headers = { ...json, 'content-type': contentType }
        expectDialect(await send(bed.port, { path, headers, body }), readers)
      }),
      { numRuns: 200 },
    )
  })

  test('no secret but the right one lets anybody in, and none makes the server fail', async () => {
    const guesses = fc.oneof(
      fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,300}$/),
      fc.stringMatching(/^vltcs_[\w-]{43}$/),
    )
    await fc.assert(
      fc.asyncProperty(guesses, async (guess) => {
        const headers = { ...json, 'x-client-secret': guess }
        expectDialect(await send(bed.port, { path, headers, body: '{"cardIdentifier":"A0C2BBCA"}' }), [401])
      }),
      { numRuns: 200 },
    )
  })
})
