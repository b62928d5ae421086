import { availableParallelism } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectGolden, type Golden, goldenBody, readGoldens } from '../../golden.testing.ts'
import { engines, openTestbed, send, type Testbed } from '../../testbed.testing.ts'

/** In answers `<token>` and `<uuid>` are looked at, then put in. */
interface Setup {
  rateLimit?: number
  /** Takes a table away, so that storing fails. */
  broken?: true
  /** As many passwords wait as may. */
  passwordsBusy?: true
  /** Registrations sent before, with `headers`; `<token>` in the request is the last one's. */
  requests?: unknown[]
  headers?: Record<string, string>
  laterSeconds?: number
}

const goldens = readGoldens<Setup>(import.meta.url).map((golden, place) => ({ place, golden }))

describe.each(engines)('the wire of user-accounts, byte for byte, on %s', (engine) => {
  const open = (rateLimit = 60) => openTestbed({ engine, flags: { rateLimit } })
  let shared: Testbed
  beforeAll(async () => {
    shared = await open()
  })
  afterAll(() => shared[Symbol.asyncDispose]())

  test.for(goldens.filter(({ golden }) => isStateless(golden)))('$golden.name', async ({ golden, place }) => {
    // Limits count per address.
    await check(golden, shared, { from: `127.1.${String(place >> 8)}.${String(place & 255)}` })
  })

  test('none of these has stored anything', async () => {
    const { db } = shared.database
    for (const table of [
      'user_accounts',
      'role_requests',
      'licence_reminders',
      'idempotency_keys',
    ] as const) {
      expect(await db.selectFrom(table).selectAll().execute(), table).toEqual([])
    }
  })

  test.for(goldens.filter(({ golden }) => !isStateless(golden)))('$golden.name', async ({ golden }) => {
    const { setup = {} } = golden
    await using bed = await open(setup.rateLimit)
    const table = bed.database.db.schema.alterTable('user_accounts')
    if (setup.broken) await table.renameTo('user_accounts_away').execute()
    const json = { 'content-type': 'application/json' }
    let token = ''
    for (const body of setup.requests ?? []) {
      const headers = setup.headers ?? json
      const before = await send(bed.port, { path: '/api/register', headers, body: JSON.stringify(body) })
      token = (JSON.parse(before.body) as { token?: string }).token ?? ''
    }
    bed.clock.advance((setup.laterSeconds ?? 0) * 1000)
    const passwords = setup.passwordsBusy ? keepBusy(bed) : Promise.resolve()
    await check(golden, bed, { token })
    await passwords
  })
})

function isStateless({ setup, answer }: Golden<Setup>): boolean {
  return setup === undefined && answer.status >= 400
}

async function check(
  golden: Golden<Setup>,
  bed: Testbed,
  { token = '', from }: { token?: string; from?: string },
): Promise<void> {
  const { request } = golden
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, value.replace('<token>', token)]),
  )
  const sent = { ...request, headers, body: goldenBody(request) }
  const received = await send(bed.port, from === undefined ? sent : { ...sent, from })
  expectGolden(received, golden, (text) => withoutToken(withoutUuid(text), bed))
}

/** Checks the token of an answer against its user and the time, and puts `<token>` in its place. */
function withoutToken(body: string, { clock, keyring }: Testbed): string {
  const token = /^\{"token":"([\w-]+\.[\w-]+\.[\w-]{43})","user":/.exec(body)?.[1]
  if (token === undefined) return body
  const [header, payload] = token.split('.', 2).map((part) => Buffer.from(part, 'base64url').toString())
  const { user } = JSON.parse(body) as { user: Record<string, unknown> }
  const { profile: _profile, ...claims } = user
  const issuedAt = Date.parse(clock.now()) / 1000
  expect(header).toBe(`{"alg":"HS256","typ":"JWT","kid":"${keyring.tokens[0]?.id ?? ''}"}`)
  expect(payload).toBe(JSON.stringify({ ...claims, iat: issuedAt, exp: issuedAt + 28_800 }))
  return body.replace(token, '<token>')
}

function withoutUuid(text: string): string {
  return text.replace(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, '<uuid>')
}

/** Resolves once the machine is through with them. */
async function keepBusy({ passwords }: Testbed): Promise<void> {
  const more = 65 * availableParallelism()
  await Promise.all(Array.from({ length: more }, () => passwords.hash('some password')))
}
