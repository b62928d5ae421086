import { readdirSync, readFileSync } from 'node:fs'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { codePattern } from '../../../shared/contracts/digital-registry.ts'
import { engines, send } from '../../testbed.testing.ts'
import { openRegistry, registrationRoute } from './registry.testing.ts'

/** One request and everything of its answer that a client can see. */
interface Golden {
  name: string
  setup?: {
    /** Settings, as flags. */
    flags?: Record<string, unknown>
    trustedProxy?: string[]
    /** What the operator did with the API user 123456789 and its entity. */
    operator?: ('block' | 'suspend')[]
    /** Further API users of the entity. */
    users?: { username: string; password: string; api: boolean }[]
    /** Takes a table away, so that storing fails. */
    broken?: true
    /** Registrations sent before. */
    before?: { headers?: Record<string, string>; body: unknown }[]
    /** How much later the request comes. */
    laterMs?: number
  }
  request: {
    method: string
    path: string
    headers: Record<string, string>
    body?: unknown
    rawBody?: string
    rawBodyBase64?: string
    /** A text and how often it stands in the body. */
    rawBodyRepeat?: [string, number]
  }
  answer: { status: number; headers: Record<string, string>; body: unknown }
}

/** What HTTP itself adds to every answer. */
const ofHttp = ['date', 'connection', 'keep-alive', 'content-length']

const folder = new URL('golden/', import.meta.url)
const goldens = readdirSync(folder).map(
  (file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden,
)

describe.each(engines)('the wire of POST /api/digital/crear/registro.php, byte for byte, on %s', (engine) => {
  test.for(goldens)('$name', async ({ setup = {}, request, answer }) => {
    const { flags, trustedProxy, operator = [], users = [], broken, before = [], laterMs = 0 } = setup
    await using bed = await openRegistry({
      engine,
      flags: { rateLimit: 60, ...flags },
      ...(trustedProxy === undefined ? {} : { trustedProxy }),
    })
    const { accounts, entityId } = bed
    for (const user of users) await accounts.addApiUser({ ...user, entityId })
    if (operator.includes('block')) await accounts.setApiUserActive('123456789', false)
    if (operator.includes('suspend')) await accounts.setEntityActive(entityId, false)
    if (broken === true) await sql`drop table digital_consents`.execute(bed.database.db)
    if (broken === true) await sql`drop table digital_registrations`.execute(bed.database.db)
    for (const { headers, body } of before) {
      await send(bed.port, {
        path: registrationRoute,
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
    }
    bed.clock.advance(laterMs)

    const received = await send(bed.port, { ...request, body: bytes(request) })

    const headers = Object.fromEntries(
      Object.entries(received.headers).filter(([name]) => !ofHttp.includes(name)),
    )
    expect(named(received.body)).toBe(answer.body === null ? '' : JSON.stringify(answer.body))
    expect(received.status).toBe(answer.status)
    expect(headers).toEqual(answer.headers)
    if (request.method !== 'HEAD') {
      expect(received.headers['content-length']).toBe(String(Buffer.byteLength(received.body)))
    }
  })
})

/** What is drawn by chance, under a name where it has the right form: the code, and the id of an incident. */
function named(body: string): string {
  const code = /"Codigo":"([^"]*)"/.exec(body)?.[1] ?? ''
  const known = codePattern.test(code) ? body.replaceAll(code, '{Codigo}') : body
  return known.replace(/: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/, ': {incident}"')
}

function bytes({ body, rawBody, rawBodyBase64, rawBodyRepeat }: Golden['request']): Buffer {
  if (rawBodyBase64 !== undefined) return Buffer.from(rawBodyBase64, 'base64')
  if (rawBodyRepeat !== undefined) return Buffer.from(rawBodyRepeat[0].repeat(rawBodyRepeat[1]))
  return Buffer.from(rawBody ?? (body === undefined ? '' : JSON.stringify(body)))
}
