import { readdirSync, readFileSync } from 'node:fs'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createClientSecrets } from '../client-secrets/client-secrets.ts'
import { createPrivacy } from '../privacy/privacy.ts'
import { findClientHolding } from '../systems/vlt-clients/privacy.ts'
import { engines, exampleBody, openTestbed, register, send } from '../testbed.testing.ts'

/** One request and everything of its answer that a client can see. */
interface Golden {
  name: string
  setup?: {
    rateLimit?: number
    /** Changes to the example client, registered one after the other. */
    registrations?: Record<string, unknown>[]
    /** Erases the first client. */
    erased?: true
    /** Takes a table away, so that reading fails. */
    broken?: true
    /** How often the request is sent before, as it is or with `headersBefore`. */
    before?: number
    headersBefore?: Record<string, string>
  }
  request: {
    method: string
    path: string
    /** `<valid>` and `<revoked>` stand for secrets in that state. */
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
const goldens = readdirSync(folder).map((file) => ({
  file,
  golden: JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden,
}))

describe.each(engines)('the wire of POST /v1/cards/authenticate, byte for byte, on %s', (engine) => {
  test.for(goldens)('$golden.name', async ({ golden: { setup = {}, request, answer } }) => {
    await using bed = await openTestbed({ engine, flags: { rateLimit: setup.rateLimit ?? 60 } })
    const secrets = createClientSecrets(bed, bed.clock)
    const [valid, revoked] = [await secrets.add('valid'), await secrets.add('revoked')]
    await secrets.revoke(revoked.id)
    const filled = (headers: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [
          name,
          value.replaceAll('<valid>', valid.secret).replaceAll('<revoked>', revoked.secret),
        ]),
      )
    for (const changes of setup.registrations ?? [{}]) {
      const { status } = await register(bed.port, exampleBody(changes))
      expect(status).toBe(201)
    }
    if (setup.erased) await createPrivacy(bed, bed.clock).erase(findClientHolding, '1')
    if (setup.broken) await sql`drop table cards`.execute(bed.database.db)
    for (let n = 0; n < (setup.before ?? 0); n += 1) {
      const headers = filled(setup.headersBefore ?? request.headers)
      await send(bed.port, { ...request, headers, body: bytes(request) })
    }

    const received = await send(bed.port, {
      ...request,
      headers: filled(request.headers),
      body: bytes(request),
    })

    const headers = Object.fromEntries(
      Object.entries(received.headers).filter(([name]) => !ofHttp.includes(name)),
    )
    expect(received.body).toBe(answer.body === null ? '' : JSON.stringify(answer.body))
    expect(received.status).toBe(answer.status)
    expect(headers).toEqual(answer.headers)
    if (request.method !== 'HEAD') {
      expect(received.headers['content-length']).toBe(String(Buffer.byteLength(received.body)))
    }
  })
})

function bytes({ body, rawBody, rawBodyBase64, rawBodyRepeat }: Golden['request']): Buffer {
  if (rawBodyBase64 !== undefined) return Buffer.from(rawBodyBase64, 'base64')
  if (rawBodyRepeat !== undefined) return Buffer.from(rawBodyRepeat[0].repeat(rawBodyRepeat[1]))
  return Buffer.from(rawBody ?? (body === undefined ? '' : JSON.stringify(body)))
}
