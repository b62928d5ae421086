import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { ticketHeader } from '../../../shared/contracts/customer-accounts.ts'
import { expectGolden, goldenBody, readGoldens } from '../../golden.testing.ts'
import { engines, openTestbed, send, type Testbed } from '../../testbed.testing.ts'
import { mails, wrong } from './customers.testing.ts'

/**
 * In requests `{code}` is the code mailed last, `{wrong}` another one, `{ticket}` the ticket given last; in answers
 * `<ticket>`, `<token>` and `<incident>` are new ones of their kind.
 */
interface Setup {
  rateLimit?: number
  /** Takes a table away, so that storing fails. */
  broken?: true
  /** Requests sent before, from another address unless told. */
  steps?: {
    path: string
    headers?: Record<string, string>
    body: unknown
    times?: number
    from?: string
    /** How much later this step comes. */
    after?: number
  }[]
  /** How much later the request comes. */
  advanceMs?: number
}

const goldens = readGoldens<Setup>(import.meta.url)

describe.each(engines)('the wire below /auth, byte for byte, on %s', (engine) => {
  test.for(goldens)('$name', async (golden) => {
    const { setup = {}, request, answer } = golden
    await using bed = await openTestbed({ engine, flags: { rateLimit: setup.rateLimit ?? 60 } })
    if (setup.broken === true) await sql`drop table customer_attempts`.execute(bed.database.db)
    let ticket = ''
    for (const { path, headers, body, times = 1, from = '127.0.0.2', after = 0 } of setup.steps ?? []) {
      bed.clock.advance(after)
      for (let time = 0; time < times; time += 1) {
        const sent = await filled({ headers: headers ?? json, body: JSON.stringify(body) }, bed, ticket)
        const received = await send(bed.port, { path, from, ...sent })
        ticket = String(received.headers[ticketHeader] ?? ticket)
      }
    }
    bed.clock.advance(setup.advanceMs ?? 0)

    const { method, path, headers } = request
    const sent = { method, path, ...(await filled({ headers, body: goldenBody(request) }, bed, ticket)) }
    const received = await send(bed.port, sent)

    const wanted = Object.entries(answer.headers).map(([name, value]): [string, unknown] => [
      name,
      value === '<ticket>' ? newTicket : String(value).replace('{ticket}', ticket),
    ])
    expectGolden(received, { ...golden, answer: { ...answer, headers: Object.fromEntries(wanted) } }, masked)
  })
})

const json = { 'content-type': 'application/json' }
const newTicket = expect.stringMatching(/^[\w-]{43}$/) as string

/** The request with what only the earlier ones can tell. */
async function filled(
  { headers, body }: { headers: Record<string, string>; body: string | Buffer },
  bed: Testbed,
  ticket: string,
): Promise<{ headers: Record<string, string>; body: string | Buffer }> {
  const code = (await mails(bed)).map(({ text }) => /^ {4}(\d{6})$/m.exec(text)?.[1]).at(-1) ?? '000000'
  return {
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replace('{ticket}', ticket)]),
    ),
    body: typeof body === 'string' ? body.replace('{code}', code).replace('{wrong}', wrong(code)) : body,
  }
}

/** An answer with a name in place of what is new each time, where it has the right form. */
function masked(body: string): string {
  return body
    .replace(/"token":"eyJ[\w-]+\.[\w-]+\.[\w-]{43}"/, '"token":"<token>"')
    .replace(/Incidente: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/, 'Incidente: <incident>"')
}
