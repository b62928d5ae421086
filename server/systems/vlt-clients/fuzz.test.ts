import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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

const nasty = fc.oneof(
  fc.constantFrom<unknown>(
    '\0',
    'a\0b',
    '\ud800',
    '\udc00x',
    '\u202e',
    '𝟙',
    '1e3',
    '0x1',
    '٣',
    '"',
    '\\',
    "'; drop table clients; --",
    [],
    {},
    [[]],
    { length: 1 },
    '__proto__',
    'A0C2BBCA',
    'a@b',
    true,
    false,
    null,
    -0,
    1e21,
    Number.MAX_SAFE_INTEGER,
  ),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  fc.integer(),
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
  beforeAll(async () => {
    bed = await openTestbed({ engine })
  })
  afterAll(() => bed[Symbol.asyncDispose]())

  test('no value of any field makes the server fail', async () => {
    const changes = fc.dictionary(fc.constantFrom(...fields), nasty, { minKeys: 1, maxKeys: 6 })
    await fc.assert(
      fc.asyncProperty(changes, async (changed) => {
        expectDialect(await send(bed.port, { headers: json, body: exactJson(exampleBody(changed)) }))
      }),
      { numRuns: 400 },
    )
  })

  test('no bytes of any type make the server fail', async () => {
    const type = fc.oneof(
      fc.constantFrom(
        'application/json',
        'application/json; charset=utf-16',
        'text/plain',
        'multipart/form-data; boundary=x',
        'application/x-www-form-urlencoded',
        '*/*',
        'json',
        ';',
      ),
      fc.stringMatching(/^[!-~]{1,30}$/),
    )
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 2_000 }).map((array) => Buffer.from(array)),
      fc.json().map((text) => Buffer.from(text)),
      fc.constantFrom(60_000, 65_536).map((depth) => Buffer.from('['.repeat(depth))),
      fc.constant(Buffer.from(`{"codigoClienteVLT":${'9'.repeat(60_000)}}`)),
      fc.constant(Buffer.alloc(1_000_000, '{"a":')),
    )
    await fc.assert(
      fc.asyncProperty(type, bytes, async (contentType, body) => {
        expectDialect(await send(bed.port, { headers: { 'content-type': contentType }, body }))
      }),
      { numRuns: 200 },
    )
  })

  test('no idempotency key makes the server fail', async () => {
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,300}$/), async (key) => {
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
