import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createClientSecrets } from '../client-secrets/client-secrets.ts'
import { expectGolden, goldenBody, readGoldens } from '../golden.testing.ts'
import { createPrivacy } from '../privacy/privacy.ts'
import { findClientHolding } from '../systems/vlt-clients/privacy.ts'
import { engines, exampleBody, openTestbed, register, send } from '../testbed.testing.ts'

/** In request headers `<valid>` and `<revoked>` stand for secrets in that state. */
interface Setup {
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

const goldens = readGoldens<Setup>(import.meta.url)

describe.each(engines)('the wire of POST /v1/cards/authenticate, byte for byte, on %s', (engine) => {
  test.for(goldens)('$name', async (golden) => {
    const { setup = {}, request } = golden
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
      await send(bed.port, { ...request, headers, body: goldenBody(request) })
    }

    const received = await send(bed.port, {
      ...request,
      headers: filled(request.headers),
      body: goldenBody(request),
    })
    expectGolden(received, golden)
  })
})
