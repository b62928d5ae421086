import { sql } from 'kysely'
import { describe, test } from 'vitest'
import { codePattern } from '../../../shared/contracts/digital-registry.ts'
import { expectGolden, goldenBody, readGoldens } from '../../golden.testing.ts'
import { engines, send } from '../../testbed.testing.ts'
import { openRegistry, registrationRoute } from './registry.testing.ts'

interface Setup {
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

const goldens = readGoldens<Setup>(import.meta.url)

describe.each(engines)('the wire of POST /api/digital/crear/registro.php, byte for byte, on %s', (engine) => {
  test.for(goldens)('$name', async (golden) => {
    const { setup = {}, request } = golden
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

    const received = await send(bed.port, { ...request, body: goldenBody(request) })
    expectGolden(received, golden, named)
  })
})

/** What is drawn by chance, under a name where it has the right form: the code, and the id of an incident. */
function named(body: string): string {
  const code = /"Codigo":"([^"]*)"/.exec(body)?.[1] ?? ''
  const known = codePattern.test(code) ? body.replaceAll(code, '{Codigo}') : body
  return known.replace(/: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/, ': {incident}"')
}
