import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createRequest,
  customerPaths,
  errorAnswer,
  fieldErrorAnswer,
  loginRequest,
  registerRequest,
  ticketHeader,
  verifyRequest,
} from '../../../shared/contracts/customer-accounts.ts'
import { parseWireJson } from '../../../shared/wire-json.ts'
import { anyBytes, anyContentType, anyHeader, exactJson, nasty } from '../../fuzz.testing.ts'
import { engines, openTestbed, type Received, send, type Testbed } from '../../testbed.testing.ts'
import { emailIndex, profilePurpose } from './account.ts'
import { exampleProfile, post, type Step, verify } from './customers.testing.ts'
import { findAccount } from './store.ts'

const bodies: Record<Step, { fields: string[]; example: Record<string, unknown> }> = {
  register: {
    fields: Object.keys(registerRequest.shape),
    example: { nombres: 'Juan Pérez', email: 'juan.perez@example.com' },
  },
  verify: {
    fields: Object.keys(verifyRequest.shape),
    example: { email: 'juan.perez@example.com', codigo: '123456' },
  },
  create: { fields: Object.keys(createRequest.shape), example: exampleProfile() },
  login: {
    fields: Object.keys(loginRequest.shape),
    example: { email: 'juan.perez@example.com', password: 'securePassword123' },
  },
}
const steps = Object.keys(customerPaths) as Step[]

// Whatever a client can send, without a ticket: nothing makes the server fail, and no account comes of it.
const allowed: Record<Step, number[]> = {
  register: [200, 400, 413, 422, 429],
  verify: [400, 413, 422, 429],
  create: [400, 403, 413, 422],
  login: [400, 401, 413, 422, 429],
}

function expectDialect(step: Step, { status, headers, body }: Received): void {
  expect(allowed[step]).toContain(status)
  expect(headers['content-type']).toBe('application/json')
  expect(headers['x-ratelimit-limit']).toBe('1000000')
  const answer = JSON.parse(body) as { status: number }
  expect(answer.status).toBe(status)
  if (status === 200) return
  expect(
    [errorAnswer.strict(), fieldErrorAnswer.strict()].some((shape) => shape.safeParse(answer).success),
  ).toBe(true)
}

const nastyValue = nasty(
  [
    'a@b.pe\r\nBcc: all@example.com',
    'İ@example.com',
    'a@xn--.com',
    'a@א1.com',
    '1990-05-15',
    [{ toJSON: 1 }, { __proto__: null }],
    Array(21).fill({}),
  ],
  fc.emailAddress(),
)

const json = { 'content-type': 'application/json' }

describe.each(engines)('on %s', (engine) => {
  let bed: Testbed
  beforeAll(async () => {
    bed = await openTestbed({ engine })
  })
  afterAll(async () => {
    expect(await bed.database.db.selectFrom('customer_accounts').select('id').execute()).toEqual([])
    await bed[Symbol.asyncDispose]()
  })

  test.for(steps)('no value of any field makes %s fail', async (step) => {
    const { fields, example } = bodies[step]
    const changes = fc.dictionary(fc.constantFrom(...fields, 'rol', '__proto__'), nastyValue, {
      minKeys: 1,
      maxKeys: 6,
    })
    await fc.assert(
      fc.asyncProperty(changes, async (changed) => {
        // Each time another person's budget, so that not all of them end at the limit.
        bed.clock.advance(60 * 60 * 1000)
        const body = exactJson({ ...example, ...changed })
        expectDialect(step, await send(bed.port, { path: customerPaths[step], headers: json, body }))
      }),
      { numRuns: 200 },
    )
  })

  test.for(steps)('no bytes of any type make %s fail', async (step) => {
    const deep = fc
      .integer({ min: 1, max: 30_000 })
      .map((depth) => Buffer.from(deepAddress(bodies[step].example, depth)))
    await fc.assert(
      fc.asyncProperty(anyContentType, fc.oneof(anyBytes('email'), deep), async (contentType, body) => {
        bed.clock.advance(60 * 60 * 1000)
        const headers = { 'content-type': contentType }
        expectDialect(step, await send(bed.port, { path: customerPaths[step], headers, body }))
      }),
      { numRuns: 100 },
    )
  })

  test.for(steps)('no idempotency key or ticket makes %s fail', async (step) => {
    await fc.assert(
      fc.asyncProperty(anyHeader, anyHeader, async (key, ticket) => {
        bed.clock.advance(60 * 60 * 1000)
        const headers = { ...json, 'idempotency-key': key, 'x-registration-ticket': ticket }
        const body = JSON.stringify(bodies[step].example)
        expectDialect(step, await send(bed.port, { path: customerPaths[step], headers, body }))
      }),
      { numRuns: 50 },
    )
  })
})

describe.each(engines)('with a ticket, on %s', (engine) => {
  test('what is stored is what the contract made of the fields, or nothing is', async () => {
    await using bed = await openTestbed({ engine })
    const fields = bodies.create.fields.filter((field) => field !== 'email')
    const changes = fc.dictionary(fc.constantFrom(...fields), nastyValue, { minKeys: 1, maxKeys: 2 })
    let number = 0
    await fc.assert(
      fc.asyncProperty(changes, async (changed) => {
        number += 1
        const email = `n${String(number)}@example.com`
        const ticket = await verify(bed, email)
        const body = exactJson({ ...exampleProfile({ email, numero_documento: String(number) }), ...changed })
        const headers = { [ticketHeader]: ticket }
        const { status } = await post(bed, 'create', body, { headers })
        const kept = await storedProfile(bed, email)
        const parsed = createRequest.safeParse(parseWireJson(body))
        const { password: _hashed, ...expected } = parsed.data ?? { password: '' }
        if (status === 409) expect(kept).toBeUndefined()
        else expect([status, kept]).toEqual(parsed.success ? [200, expected] : [400, undefined])
      }),
      { numRuns: 80 },
    )
  })
})

async function storedProfile({ database, vault }: Testbed, email: string): Promise<unknown> {
  const index = emailIndex(vault, email)
  const account = await database.query((db) => findAccount(db, index))
  return account && JSON.parse(vault.open(profilePurpose(index), account.profile))
}

function deepAddress(example: Record<string, unknown>, depth: number): string {
  const deep = `[{"a":${'['.repeat(depth)}${']'.repeat(depth)}}]`
  return JSON.stringify({ ...example, direcciones: 'here' }).replace('"here"', deep)
}
