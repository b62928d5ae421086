import { readdirSync, readFileSync } from 'node:fs'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { engines, openTestbed, send } from '../../testbed.testing.ts'

/** One request and everything of its answer that a client can see. */
interface Golden {
  name: string
  setup?: {
    destination?: false
    rateLimit?: number
    /** Takes a table away, so that storing fails. */
    broken?: true
    /** Registrations sent before, with `headers`; then those of `then`, with `thenHeaders`. */
    requests?: unknown[]
    rawRequests?: string[]
    headers?: Record<string, string>
    then?: unknown[]
    thenHeaders?: Record<string, string>
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
const goldens = readdirSync(folder).map((file) => ({
  file,
  golden: JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden,
}))

describe.each(engines)('the wire of POST /api/clientes/register, byte for byte, on %s', (engine) => {
  test.for(goldens)('$golden.name', async ({ golden: { setup = {}, request, answer } }) => {
    await using bed = await openTestbed({
      engine,
      vltRateLimit: setup.rateLimit ?? 60,
      vltDestination: setup.destination === false ? null : 'lobby',
    })
    if (setup.broken) await sql`drop table consents`.execute(bed.database.db)
    const json = { 'content-type': 'application/json' }
    for (const body of [
      ...(setup.requests ?? []).map((value) => JSON.stringify(value)),
      ...(setup.rawRequests ?? []),
    ]) {
      await send(bed.port, { headers: setup.headers ?? json, body })
    }
    for (const body of setup.then ?? []) {
      await send(bed.port, { headers: setup.thenHeaders ?? json, body: JSON.stringify(body) })
    }

    const received = await send(bed.port, { ...request, body: bytes(request) })

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
