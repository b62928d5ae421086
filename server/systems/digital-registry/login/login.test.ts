import { describe, expect, test } from 'vitest'
import { engines, newPlace, openTestbed } from '../../../testbed.testing.ts'
import { ask, openRegistry, password, type Registry } from '../registry.testing.ts'

const proxied = { trustedProxy: ['127.0.0.1/32'] }
const from = (network: string) => ({ headers: { 'x-forwarded-for': network } })
const wrong = { Password: 'wrong' }

async function fail(bed: Registry, times: number, changes: Record<string, unknown> = wrong): Promise<void> {
  for (let time = 0; time < times; time += 1) await ask(bed.port, changes)
}

/** Status and seconds to wait of a request. */
async function answer(...request: Parameters<typeof ask>): Promise<[number, string | undefined]> {
  const { status, headers } = await ask(...request)
  return [status, headers['retry-after']]
}

const failures = (bed: Registry) =>
  bed.database.db.selectFrom('api_user_failures').selectAll().orderBy('failures').execute()

describe.each(engines)('failing to log in, on %s', (engine) => {
  test('slows down more and more, and refuses to look at what comes too early', async () => {
    await using bed = await openRegistry({ engine })
    await fail(bed, 3)
    for (const seconds of [1, 2, 4, 8]) {
      expect(await answer(bed.port)).toEqual([429, String(seconds)])
      bed.clock.advance(seconds * 1000 - 1)
      expect(await answer(bed.port)).toEqual([429, '1'])
      bed.clock.advance(1)
      expect(await answer(bed.port, wrong)).toEqual([401, undefined])
    }
    expect((await failures(bed)).map(({ failures: count }) => count)).toEqual([7])
  })

  test('is no lock-out: the right password is taken after the wait, and wipes the slate', async () => {
    await using bed = await openRegistry({ engine })
    await fail(bed, 3)
    bed.clock.advance(1_000)
    expect(await answer(bed.port)).toEqual([200, undefined])
    expect(await failures(bed)).toEqual([])
    await fail(bed, 2)
    expect(await answer(bed.port)).toEqual([200, undefined])
  })

  test('counts per client network and username, whether or not there is such a user', async () => {
    await using bed = await openRegistry({ engine, ...proxied })
    for (const Username of ['123456789', 'nobody']) {
      for (let time = 0; time < 3; time += 1) await ask(bed.port, { ...wrong, Username }, from('192.0.2.1'))
      expect(await answer(bed.port, { Username }, from('192.0.2.1'))).toEqual([429, '1'])
    }
    expect(await answer(bed.port, {}, from('192.0.2.2'))).toEqual([200, undefined])
    expect(await answer(bed.port, { Username: 'other' }, from('192.0.2.1'))).toEqual([401, undefined])
  })

  test('counts an IPv6 network as one client', async () => {
    await using bed = await openRegistry({ engine, ...proxied })
    for (const host of ['1', '2', '3']) await ask(bed.port, wrong, from(`2001:db8::${host}`))
    expect(await answer(bed.port, {}, from('2001:db8::ffff'))).toEqual([429, '1'])
    expect(await answer(bed.port, {}, from('2001:db8:0:1::1'))).toEqual([200, undefined])
  })

  test('counts only what the password decided', async () => {
    await using bed = await openRegistry({ engine })
    await bed.accounts.setApiUserActive('123456789', false)
    for (let time = 0; time < 5; time += 1) expect(await answer(bed.port)).toEqual([403, undefined])
    await fail(bed, 5, { TipoDni: [] })
    await fail(bed, 5, { Dni: '' })
    expect(await failures(bed)).toEqual([])
  })

  test('in parallel tells no more than failing in turn', async () => {
    await using bed = await openRegistry({ engine })
    const guesses = Array.from({ length: 40 }, (_, guess) =>
      ask(bed.port, { Password: guess === 20 ? password : `guess ${String(guess)}` }),
    )
    const statuses = (await Promise.all(guesses)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(4)
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(35)
    const [known] = await failures(bed)
    expect(known?.failures ?? 0).toBeLessThanOrEqual(3)
  })

  test('in parallel with one and the same password counts each time', async () => {
    await using bed = await openRegistry({ engine })
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(bed.port, wrong)))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(3)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(37)
    expect((await failures(bed)).map(({ failures: count }) => count)).toEqual([3])
  })

  test('is tallied by user, without a word of who tried', async () => {
    await using bed = await openRegistry({ engine })
    await fail(bed, 4)
    await fail(bed, 2, { Username: 'nobody' })
    await bed.audit.flush()
    const events = await bed.database.db
      .selectFrom('audit_events')
      .select(['action', 'actor', 'subject', 'details'])
      .where('actor', '=', 'anonymous')
      .orderBy('seq')
      .execute()
    expect(
      events.map(({ details, ...event }) => ({
        ...event,
        count: (JSON.parse(details) as { count: number }).count,
      })),
    ).toEqual([
      { action: 'api-user-refused-wrong-password', actor: 'anonymous', subject: 'api-user 1', count: 3 },
      { action: 'api-user-throttled', actor: 'anonymous', subject: 'api-user 1', count: 1 },
      { action: 'api-user-refused-unknown-user', actor: 'anonymous', subject: 'api-user unknown', count: 2 },
    ])
  })

  test('leaves nothing behind a day later', async () => {
    await using bed = await openRegistry({ engine })
    for (const Username of ['a', 'b', 'c']) await fail(bed, 1, { Username })
    expect(await failures(bed)).toHaveLength(3)
    bed.clock.advance(24 * 60 * 60_000 + 1)
    await fail(bed, 1, { Username: 'd' })
    expect(await failures(bed)).toHaveLength(1)
  })

  test('is known to a server that starts anew', async () => {
    await using place = await newPlace(engine)
    {
      await using bed = await openRegistry({ engine, place })
      await fail(bed, 3)
    }
    await using again = await openTestbed({ place, flags: { insecureLoopback: true } })
    expect(await answer(again.port)).toEqual([429, '1'])
  })
})

test('failing to log in counts together over all instances on one database', async () => {
  await using place = await newPlace('postgres')
  await using bed = await openRegistry({ engine: 'postgres', place })
  await using other = await openTestbed({ place, flags: { insecureLoopback: true } })
  await fail(bed, 1)
  await ask(other.port, wrong)
  await fail(bed, 1)
  expect(await answer(other.port)).toEqual([429, '1'])
  place.clock.advance(1_000)
  expect(await answer(other.port)).toEqual([200, undefined])
})
