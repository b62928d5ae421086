import { performance } from 'node:perf_hooks'
import { describe, expect, test } from 'vitest'
import { engines, openTestbed, type Testbed } from '../../testbed.testing.ts'
import { documentIndex, emailIndex, profilePurpose } from './account.ts'
import { type Answered, post } from './customers.testing.ts'
import { insertAccount } from './store.ts'

/** Whether an address has an account must not show: not in status, body or headers, and not in the time taken. */

const tries = 1_000
const pairs = Array.from({ length: tries / 2 }, (_, n) => n)
const mostApartMs = 5
const quarterHour = 15 * 60_000

const known = (n: number) => `known${String(n)}@example.com`
const unknown = (n: number) => `other${String(n)}@example.com`

/** An account for each pair, all with one password. */
async function addAccounts({ database, vault, passwords, clock }: Testbed): Promise<void> {
  const passwordHash = await passwords.hash('securePassword123')
  await database.transact(async (tx) => {
    for (const n of pairs) {
      const index = emailIndex(vault, known(n))
      await insertAccount(tx, {
        email_index: index,
        document_index: documentIndex(vault, String(n)),
        profile: vault.seal(profilePurpose(index), JSON.stringify({ nombres: 'Ana', email: known(n) })),
        password_hash: passwordHash,
        created_at: clock.now(),
      })
    }
  })
}

interface Timed {
  answer: Answered
  ms: number
}

async function timed(request: Promise<Answered>): Promise<Timed> {
  const begin = performance.now()
  const answer = await request
  return { answer, ms: performance.now() - begin }
}

/** What a stranger sees, but for the time of day and the count of their own requests. */
const visible = ({ status, body, headers }: Answered) => ({
  status,
  body,
  headers: { ...headers, date: '', 'x-ratelimit-remaining': '' },
})

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

/**
 * Tries a known and an unknown address side by side, either one first in turn, so that whatever else the machine
 * does meanwhile falls on both alike; compares every answer and the medians of the times.
 */
async function compare(bed: Testbed, request: (email: string) => Promise<Answered>): Promise<void> {
  const times: [number[], number[]] = [[], []]
  for (const n of pairs) {
    // Limits are for other tests: in this time they forget who was slowed down.
    bed.clock.advance(quarterHour)
    const emails = n % 2 === 0 ? [known(n), unknown(n)] : [unknown(n), known(n)]
    const found = await Promise.all(emails.map((email) => timed(request(email))))
    const [ofKnown, ofUnknown] = n % 2 === 0 ? found : found.toReversed()
    if (ofKnown === undefined || ofUnknown === undefined) throw new Error('two tries make a pair')
    expect(visible(ofKnown.answer)).toEqual(visible(ofUnknown.answer))
    times[0].push(ofKnown.ms)
    times[1].push(ofUnknown.ms)
  }
  expect(Math.abs(median(times[0]) - median(times[1]))).toBeLessThan(mostApartMs)
}

describe.each(engines)('in a thousand tries on %s', (engine) => {
  test('starting a registration', { timeout: 300_000 }, async () => {
    await using bed = await openTestbed({ engine })
    await addAccounts(bed)
    await compare(bed, (email) => post(bed, 'register', { nombres: 'Ana', email }))
    expect(await bed.database.db.selectFrom('mails').select('id').execute()).toHaveLength(tries)
  })

  test('logging in with a wrong password', { timeout: 540_000 }, async () => {
    await using bed = await openTestbed({ engine })
    await addAccounts(bed)
    await compare(bed, (email) => post(bed, 'login', { email, password: 'a wrong password' }))
  })
})
