import { describe, expect, test } from 'vitest'
import { ticketHeader } from '../../../shared/contracts/customer-accounts.ts'
import { engines, newPlace, openTestbed, type Testbed } from '../../testbed.testing.ts'
import { emailIndex } from './account.ts'
import {
  type Answered,
  createCustomer,
  example,
  exampleProfile,
  guess,
  mailedCode,
  mails,
  post,
  start,
  verify,
  wrong,
} from './customers.testing.ts'
import { type Registration } from './registration.ts'
import { registrationKey } from './service.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const refused = { message: 'El código de verificación no es válido o ha vencido.', status: 400 }

/** Status and, where there is one, the wait in seconds. */
const outcome = ({ status, headers }: Answered) =>
  status === 429 ? `429 ${String(headers['retry-after'])}` : status

async function guesses(bed: Testbed, codes: string[], email = example): Promise<unknown[]> {
  const outcomes: unknown[] = []
  for (const code of codes) outcomes.push(outcome(await guess(bed, code, email)))
  return outcomes
}

const wrongs = (code: string, count: number) => Array.from({ length: count }, (_, n) => wrong(code, n + 1))

async function known({ database, vault }: Testbed, email = example): Promise<Registration | undefined> {
  const row = await database.db
    .selectFrom('customer_attempts')
    .select('state')
    .where('key', '=', registrationKey(emailIndex(vault, email)))
    .executeTakeFirst()
  return row && (JSON.parse(row.state) as Registration)
}

function tally(answers: Answered[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const { status } of answers) found[status] = (found[status] ?? 0) + 1
  return found
}

/** Counts how often a guess is compared with a code from now on: each time it has to be hashed first. */
function countComparisons(...beds: Testbed[]): () => number {
  let compared = 0
  for (const { vault } of beds) {
    const index = vault.index.bind(vault)
    vault.index = (purpose, text) => {
      if (purpose === 'customer_attempts.code') compared += 1
      return index(purpose, text)
    }
  }
  return () => compared
}

describe.each(engines)('on %s', (engine) => {
  describe('a code', () => {
    test('has six digits, lives ten minutes and is used up by the first right guess', async () => {
      await using bed = await openTestbed({ engine })
      await start(bed)
      const code = await mailedCode(bed)
      bed.clock.advance(10 * minute - 1)
      expect((await guess(bed, code)).status).toBe(200)
      expect((await guess(bed, code)).json).toEqual(refused)
    })

    test('is worth nothing after ten minutes', async () => {
      await using bed = await openTestbed({ engine })
      await start(bed)
      const code = await mailedCode(bed)
      bed.clock.advance(10 * minute)
      expect((await guess(bed, code)).json).toEqual(refused)
    })

    test('takes five guesses: the fifth may be right, the sixth may not', async () => {
      await using bed = await openTestbed({ engine })
      await start(bed)
      const code = await mailedCode(bed)
      expect(await guesses(bed, [...wrongs(code, 4), code])).toEqual([400, 400, 400, 400, 200])

      await start(bed, 'b@example.com')
      const other = await mailedCode(bed)
      expect(await guesses(bed, [...wrongs(other, 5), other], 'b@example.com')).toEqual(Array(6).fill(400))
    })

    test('says the same whatever is wrong with it', async () => {
      await using bed = await openTestbed({ engine })
      const unknown = await guess(bed, '123456', 'nobody@example.com')
      await start(bed)
      const code = await mailedCode(bed)
      const isWrong = await guess(bed, wrong(code))
      await guesses(bed, wrongs(code, 4))
      const usedUp = await guess(bed, code)
      bed.clock.advance(10 * minute)
      const expired = await guess(bed, code)
      await createCustomer(bed, { email: 'owner@example.com' })
      bed.clock.advance(minute)
      await start(bed, 'owner@example.com')
      const owner = await guess(bed, '123456', 'owner@example.com')
      for (const answer of [unknown, isWrong, usedUp, expired, owner]) {
        expect(answer.json).toEqual(refused)
        expect({ ...answer.headers, date: '', 'x-ratelimit-remaining': '' }).toEqual({
          ...unknown.headers,
          date: '',
          'x-ratelimit-remaining': '',
        })
      }
    })

    test('of another address is wrong', async () => {
      await using bed = await openTestbed({ engine })
      await start(bed, 'a@example.com')
      const code = await mailedCode(bed)
      await start(bed, 'b@example.com')
      expect((await guess(bed, code, 'b@example.com')).status).toBe(400)
      expect((await guess(bed, code, ' A@Example.COM ')).status).toBe(200)
    })

    test('may be typed with the gap that people see in it', async () => {
      await using bed = await openTestbed({ engine })
      await start(bed)
      const code = await mailedCode(bed)
      expect((await guess(bed, ` ${code.slice(0, 3)} ${code.slice(3)}`)).status).toBe(200)
    })
  })

  describe('a code sent again', () => {
    test('takes the place of the one before', async () => {
      await using bed = await openTestbed({ engine })
      await start(bed)
      const first = await mailedCode(bed)
      bed.clock.advance(minute)
      await start(bed)
      const next = await mailedCode(bed)
      if (first !== next) expect((await guess(bed, first)).status).toBe(400)
      expect((await guess(bed, next)).status).toBe(200)
    })

    test('gives no new guesses while the one before lives', async () => {
      await using bed = await openTestbed({ engine })
      await start(bed)
      await guesses(bed, wrongs(await mailedCode(bed), 3))
      bed.clock.advance(minute)
      await start(bed)
      const code = await mailedCode(bed)
      expect(await guesses(bed, [...wrongs(code, 2), code])).toEqual([400, 400, 400])
    })

    test('is not sent before the one that was guessed at in vain is over, and then takes five', async () => {
      await using bed = await openTestbed({ engine })
      await start(bed)
      await guesses(bed, wrongs(await mailedCode(bed), 5))
      bed.clock.advance(2 * minute)
      expect(outcome(await start(bed))).toBe('429 480')
      expect(await mails(bed)).toHaveLength(1)
      bed.clock.advance(8 * minute)
      expect(outcome(await start(bed))).toBe(200)
      const code = await mailedCode(bed)
      expect(await guesses(bed, [...wrongs(code, 4), code])).toEqual([400, 400, 400, 400, 200])
    })
  })

  describe('ten failures of an address in a day', () => {
    test('are the end of guessing and of sending, until the first is a day old', async () => {
      await using bed = await openTestbed({ engine })
      await start(bed)
      expect(await guesses(bed, wrongs(await mailedCode(bed), 5))).toEqual(Array(5).fill(400))
      bed.clock.advance(hour)
      await start(bed)
      const code = await mailedCode(bed)
      expect(await guesses(bed, [...wrongs(code, 5), code])).toEqual([
        ...Array<number>(5).fill(400),
        '429 82800',
      ])
      bed.clock.advance(hour)
      expect(outcome(await start(bed))).toBe('429 79200')
      bed.clock.advance(22 * hour - 1)
      expect(outcome(await start(bed))).toBe('429 1')
      bed.clock.advance(1)
      expect(outcome(await start(bed))).toBe(200)
      expect((await guess(bed, await mailedCode(bed))).status).toBe(200)
    })

    test('count within any 24 hours, not by the calendar', async () => {
      await using bed = await openTestbed({ engine })
      const outcomes: unknown[] = []
      for (let time = 0; time < 60; time += 1) {
        outcomes.push((await guess(bed, '123456')).status)
        bed.clock.advance(hour)
      }
      const failed = outcomes.map((status, at) => (status === 400 ? at : -1)).filter((at) => at >= 0)
      expect(failed).toEqual(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((at) => [at, at + 24, at + 48]).sort((a, b) => a - b),
      )
    })

    test('count for addresses that nobody asked a code for, and for those with an account', async () => {
      await using bed = await openTestbed({ engine })
      await createCustomer(bed)
      for (const email of ['nobody@example.com', example]) {
        expect(await guesses(bed, wrongs('000000', 11), email)).toEqual([
          ...Array<number>(10).fill(400),
          '429 86400',
        ])
        expect(outcome(await start(bed, email))).toBe('429 86400')
      }
    })

    test('do not count guesses that were right', async () => {
      await using bed = await openTestbed({ engine })
      for (let time = 0; time < 12; time += 1) {
        await verify(bed)
        bed.clock.advance(hour)
      }
      expect((await known(bed))?.failedAt).toEqual([])
    })

    test('survive a restart on the same data', async () => {
      await using place = await newPlace(engine)
      const restarted = async <T>(work: (bed: Testbed) => Promise<T>): Promise<T> => {
        await using bed = await openTestbed({ place })
        return await work(bed)
      }
      const code = await restarted(async (bed) => {
        await start(bed)
        await guesses(bed, wrongs(await mailedCode(bed), 4))
        return mailedCode(bed)
      })
      await restarted(async (bed) => {
        expect(await guesses(bed, [wrong(code), code])).toEqual([400, 400])
        expect(await guesses(bed, wrongs(code, 5))).toEqual([400, 400, 400, 400, '429 86400'])
      })
      await restarted(async (bed) => {
        expect(outcome(await guess(bed, code))).toBe('429 86400')
        expect(outcome(await start(bed))).toBe('429 86400')
      })
    })
  })

  test('a wall clock that was set back locks nobody out', async () => {
    await using bed = await openTestbed({ engine })
    await start(bed)
    await guesses(bed, wrongs(await mailedCode(bed), 5))
    await guesses(bed, wrongs('000000', 10), 'nobody@example.com')
    bed.clock.advance(-1 * second)
    expect(outcome(await start(bed))).toBe('429 601')
    expect(outcome(await guess(bed, '123456', 'nobody@example.com'))).toBe('429 86400')
    bed.clock.advance(-2 * day)
    expect(outcome(await start(bed))).toBe(200)
    expect(outcome(await guess(bed, '123456', 'nobody@example.com'))).toBe(400)
  })

  describe('sending', () => {
    test('needs a minute between two, and stops at five an hour', async () => {
      await using bed = await openTestbed({ engine })
      const outcomes: unknown[] = []
      for (const wait of [0, 30 * second, 30 * second, minute, minute, minute, minute, 54 * minute, 1_000]) {
        bed.clock.advance(wait)
        outcomes.push(outcome(await start(bed)))
      }
      expect(outcomes).toEqual([200, '429 30', 200, 200, 200, 200, '429 3300', '429 60', '429 59'])
      expect(await mails(bed)).toHaveLength(5)
      bed.clock.advance(59 * second)
      expect(outcome(await start(bed))).toBe(200)
    })

    test('is limited alike for an address with an account', async () => {
      await using bed = await openTestbed({ engine })
      await createCustomer(bed)
      bed.clock.advance(2 * hour)
      for (let time = 0; time < 7; time += 1) {
        const [owner, nobody] = [await start(bed), await start(bed, 'nobody@example.com')]
        expect(outcome(owner)).toBe(outcome(nobody))
        expect(owner.body).toBe(nobody.body)
        expect(Object.keys(owner.headers)).toEqual(Object.keys(nobody.headers))
        bed.clock.advance(minute)
      }
      const sent = (await mails(bed)).slice(2)
      expect(sent.map(({ to, subject }) => `${to}: ${subject}`)).toEqual(
        Array(5)
          .fill([`${example}: Usted ya tiene una cuenta`, 'nobody@example.com: Su código de verificación'])
          .flat(),
      )
    })

    test('to an address with an account makes no code that could be guessed', async () => {
      await using bed = await openTestbed({ engine })
      await createCustomer(bed)
      bed.clock.advance(minute)
      await start(bed)
      expect((await known(bed))?.code).toMatchObject({ guesses: 0 })
      expect((await mails(bed)).at(-1)?.text).not.toMatch(/\d{6}/)
    })
  })

  describe('in parallel', () => {
    test('of a burst of 50 guesses exactly five are compared', async () => {
      await using bed = await openTestbed({ engine })
      await start(bed)
      const code = await mailedCode(bed)
      const compared = countComparisons(bed)
      const answers = await Promise.all(wrongs(code, 50).map((one) => guess(bed, one)))
      expect(tally(answers)).toEqual({ 400: 10, 429: 40 })
      expect(compared()).toBe(5)
      const state = await known(bed)
      expect([state?.code?.guesses, state?.failedAt.length]).toEqual([5, 10])
    })

    test('20 right guesses give one ticket', async () => {
      await using bed = await openTestbed({ engine })
      await start(bed)
      const code = await mailedCode(bed)
      const answers = await Promise.all(Array.from({ length: 20 }, () => guess(bed, code)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(answers.filter(({ headers }) => headers[ticketHeader] !== undefined)).toHaveLength(1)
    })

    test('20 accounts with one ticket are one account', async () => {
      await using bed = await openTestbed({ engine })
      const ticket = await verify(bed)
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          post(bed, 'create', exampleProfile({ numero_documento: `A-${String(n)}` }), {
            headers: n % 2 === 0 ? { [ticketHeader]: ticket } : {},
          }),
        ),
      )
      expect(tally(answers)).toEqual({ 200: 1, 403: 19 })
      expect(await bed.database.db.selectFrom('customer_accounts').select('id').execute()).toHaveLength(1)
    })

    test('one document number with 10 tickets is one account', async () => {
      await using bed = await openTestbed({ engine })
      const emails = Array.from({ length: 10 }, (_, n) => `n${String(n)}@example.com`)
      const tickets: string[] = []
      for (const email of emails) tickets.push(await verify(bed, email))
      const answers = await Promise.all(
        emails.map((email, n) =>
          post(bed, 'create', exampleProfile({ email }), { headers: { [ticketHeader]: tickets[n] ?? '' } }),
        ),
      )
      expect(tally(answers)).toEqual({ 200: 1, 409: 9 })
    })

    test('20 starts send one mail', async () => {
      await using bed = await openTestbed({ engine })
      const answers = await Promise.all(Array.from({ length: 20 }, () => start(bed)))
      expect(tally(answers)).toEqual({ 200: 1, 429: 19 })
      expect(await mails(bed)).toHaveLength(1)
    })
  })

  describe('an idempotency key', () => {
    const keyed = { headers: { 'idempotency-key': 'known-to-others' } }

    test('that others know does not help to guess: each try counts, and at ten nothing is replayed', async () => {
      await using bed = await openTestbed({ engine })
      await start(bed)
      const code = await mailedCode(bed)
      expect((await guess(bed, code, example, keyed)).status).toBe(200)
      const outcomes: number[] = []
      for (const one of wrongs(code, 10)) outcomes.push((await guess(bed, one, example, keyed)).status)
      expect(outcomes).toEqual(Array(10).fill(422))
      expect((await guess(bed, code, example, keyed)).status).toBe(429)
    })

    test('a replay costs no guess', async () => {
      await using bed = await openTestbed({ engine })
      await start(bed)
      const code = await mailedCode(bed)
      for (let time = 0; time < 15; time += 1) {
        expect((await guess(bed, code, example, keyed)).status).toBe(200)
      }
      expect((await known(bed))?.failedAt).toEqual([])
    })
  })

  test('rows that no longer matter are removed as others come', async () => {
    await using bed = await openTestbed({ engine })
    const { db } = bed.database
    const count = async () => (await db.selectFrom('customer_attempts').select('key').execute()).length
    for (let n = 0; n < 60; n += 1) await start(bed, `n${String(n)}@example.com`)
    expect(await count()).toBe(60)
    bed.clock.advance(hour - 1)
    await start(bed, 'a@example.com')
    expect(await count()).toBe(61)
    bed.clock.advance(1)
    await guess(bed, '123456', 'b@example.com')
    expect(await count()).toBe(12)
    await post(bed, 'login', { email: 'c@example.com', password: 'wrong' })
    expect(await count()).toBe(5)
    bed.clock.advance(day)
    await guess(bed, '123456', 'd@example.com')
    expect(await count()).toBe(1)
  })
})

test('two instances on one PostgreSQL share every budget', async () => {
  await using place = await newPlace('postgres')
  await using one = await openTestbed({ place })
  await using two = await openTestbed({ place })
  await start(one)
  expect(outcome(await start(two))).toBe('429 60')
  const code = await mailedCode(two)
  const compared = countComparisons(one, two)
  const answers = await Promise.all(
    wrongs(code, 50).map((wrongCode, n) => guess(n % 2 === 0 ? one : two, wrongCode)),
  )
  expect(tally(answers)).toEqual({ 400: 10, 429: 40 })
  expect(compared()).toBe(5)
  expect(outcome(await guess(two, code))).toBe('429 86400')
})

test('two instances on one PostgreSQL give one ticket and one account', async () => {
  await using place = await newPlace('postgres')
  await using one = await openTestbed({ place })
  await using two = await openTestbed({ place })
  const either = (n: number) => (n % 2 === 0 ? one : two)
  await start(one)
  const code = await mailedCode(one)
  const verified = await Promise.all(Array.from({ length: 20 }, (_, n) => guess(either(n), code)))
  const tickets = verified.flatMap(({ headers }) => headers[ticketHeader] ?? [])
  expect(tickets).toHaveLength(1)
  const created = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      post(either(n), 'create', exampleProfile({ numero_documento: `A-${String(n)}` }), {
        headers: { [ticketHeader]: String(tickets[0]) },
      }),
    ),
  )
  expect(tally(created)).toEqual({ 200: 1, 403: 19 })
})
