import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authenticationAnswer, inactiveAnswer } from '../../shared/contracts/cards.ts'
import { createClientSecrets } from '../client-secrets/client-secrets.ts'
import { anyBytes, anyContentType, anyHeader, exactJson, nasty } from '../fuzz.testing.ts'
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

const nastyValue = nasty(
  ['A0C2BBCA\0', '\u202eA0C2BBCA', '٠١٢٣٤٥٦٧', 'A0C2BBCA', 'b1d3ccdb', ['A0C2BBCA']],
  fc.stringMatching(/^[0-9A-Fa-f :-]{0,30}$/),
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
    const bodies = fc.record({ cardIdentifier: nastyValue, other: nastyValue }, { requiredKeys: [] })
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        expectDialect(await send(bed.port, { path, headers: json, body: exactJson(body) }), readers)
      }),
      { numRuns: 400 },
    )
  })

  test('no bytes of any type make the server fail', async () => {
    await fc.assert(
      fc.asyncProperty(anyContentType, anyBytes('cardIdentifier'), async (contentType, body) => {
        const headers = { ...json, 'content-type': contentType }
        expectDialect(await send(bed.port, { path, headers, body }), readers)
      }),
      { numRuns: 200 },
    )
  })

  test('no secret but the right one lets anybody in, and none makes the server fail', async () => {
    const guesses = fc.oneof(anyHeader, fc.stringMatching(/^vltcs_[\w-]{43}$/))
    await fc.assert(
      fc.asyncProperty(guesses, async (guess) => {
        const headers = { ...json, 'x-client-secret': guess }
        expectDialect(await send(bed.port, { path, headers, body: '{"cardIdentifier":"A0C2BBCA"}' }), [401])
      }),
      { numRuns: 200 },
    )
  })
})
