import { sql } from 'kysely'
import { describe, test } from 'vitest'
import { expectGolden, goldenBody, readGoldens } from '../../golden.testing.ts'
import { engines, openTestbed, send } from '../../testbed.testing.ts'

interface Setup {
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

const goldens = readGoldens<Setup>(import.meta.url)

describe.each(engines)('the wire of POST /api/clientes/register, byte for byte, on %s', (engine) => {
  test.for(goldens)('$name', async (golden) => {
    const { setup = {}, request } = golden
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

    const received = await send(bed.port, { ...request, body: goldenBody(request) })
    expectGolden(received, golden)
  })
})
