import { describe, expect, test } from 'vitest'
import { engines, holdWrites, openTestbed, register, type Testbed } from '../testbed.testing.ts'
import { joinedKiosk } from '../kiosks/kiosk.testing.ts'
import { createIdempotency, readKey } from './idempotency.ts'

const keyed = (key: string) => ({ headers: { 'idempotency-key': key } })

async function count(
  bed: Testbed,
  table: 'clients' | 'idempotency_keys' | 'kiosk_repetitions',
): Promise<number> {
  return (await bed.database.db.selectFrom(table).selectAll().execute()).length
}

describe.each(engines)('on %s', (engine) => {
  describe('over HTTP', () => {
    test('a key whose first request still runs answers 409, then replays', async () => {
      await using bed = await openTestbed({ engine })
      const busy = await holdWrites(bed)
      // Either may come first; the other one finds it in flight.
      const both = [register(bed.port, {}, keyed('k')), register(bed.port, {}, keyed('k'))]
      const early = await Promise.race(both)
      expect(early.status).toBe(409)
      expect(early.headers).toMatchObject({
        'retry-after': '1',
        'idempotency-key-state': 'in-progress',
        'x-ratelimit-remaining': expect.any(String) as string,
      })
      expect(JSON.parse(early.body)).toEqual({
        message: 'A request with this Idempotency-Key is still being processed.',
      })
      await busy.release()
      const answered = (await Promise.all(both)).find((answer) => answer !== early)
      expect(answered?.status).toBe(201)
      const replayed = await register(bed.port, {}, keyed('k'))
      expect(replayed).toMatchObject({ status: 201, body: answered?.body })
      expect(replayed.headers['idempotency-replayed']).toBe('true')
      expect(await count(bed, 'clients')).toBe(1)
    })

    test('another key is not held up by the state of the first', async () => {
      await using bed = await openTestbed({ engine })
      const busy = await holdWrites(bed)
      const both = Promise.all([register(bed.port, {}, keyed('a')), register(bed.port, {}, keyed('b'))])
      await busy.release()
      expect((await both).map(({ status }) => status).sort()).toEqual([200, 201])
    })

    test('a key is compared by the raw bytes of the body', async () => {
      await using bed = await openTestbed({ engine })
      await register(bed.port, { sexo: 1 }, keyed('k'))
      const respelled = await register(bed.port, { sexo: '1' }, keyed('k'))
      expect(respelled.status).toBe(422)
    })

    test('a failed request leaves its key free', async () => {
      await using bed = await openTestbed({ engine })
      const { db } = bed.database
      await db.schema.alterTable('consents').renameTo('consents_away').execute()
      expect((await register(bed.port, {}, keyed('k'))).status).toBe(500)
      expect(await count(bed, 'clients')).toBe(0)
      await db.schema.alterTable('consents_away').renameTo('consents').execute()
      expect((await register(bed.port, {}, keyed('k'))).status).toBe(201)
    })

    test('key and registration are stored together or not at all', async () => {
      await using bed = await openTestbed({ engine })
      const { db } = bed.database
      await db.schema.alterTable('idempotency_keys').renameTo('keys_away').execute()
      expect((await register(bed.port, {}, keyed('k'))).status).toBe(500)
      expect(await count(bed, 'clients')).toBe(0)
    })
  })

  describe('the mechanism', () => {
    const request = { scope: 'a', key: 'k', body: Buffer.from('{}') }
    const answer = { status: 201, body: '{"id":1}' }

    test('keys of different scopes are different keys', async () => {
      await using bed = await openTestbed({ engine })
      const idempotency = createIdempotency(bed.database, bed.vault, bed.clock)
      await idempotency.once(request, () => Promise.resolve(answer))
      const other = await idempotency.once({ ...request, scope: 'b' }, () => Promise.resolve(answer))
      expect(other.state).toBe('answered')
    })

    test('a key is known to whoever opens the database later', async () => {
      await using bed = await openTestbed({ engine })
      await createIdempotency(bed.database, bed.vault, bed.clock).once(request, () => Promise.resolve(answer))
      const later = createIdempotency(bed.database, bed.vault, bed.clock)
      const mustNotRun = () => Promise.reject(new Error('ran again'))
      expect(await later.once(request, mustNotRun)).toEqual({ state: 'replayed', answer })
      const otherBody = { ...request, body: Buffer.from('{ }') }
      expect(await later.once(otherBody, mustNotRun)).toEqual({ state: 'other-body' })
    })

    test('only answers of success are kept', async () => {
      await using bed = await openTestbed({ engine })
      const idempotency = createIdempotency(bed.database, bed.vault, bed.clock)
      await idempotency.once(request, () => Promise.resolve({ ...answer, status: 409 }))
      expect(await count(bed, 'idempotency_keys')).toBe(0)
      expect((await idempotency.once(request, () => Promise.resolve(answer))).state).toBe('answered')
      expect((await idempotency.once(request, () => Promise.resolve(answer))).state).toBe('replayed')
    })

    test('answers are forgotten after 400 days and not before', async () => {
      await using bed = await openTestbed({ engine })
      const idempotency = createIdempotency(bed.database, bed.vault, bed.clock)
      await idempotency.once(request, () => Promise.resolve(answer))
      bed.clock.advance(400 * 24 * 60 * 60 * 1000)
      expect(await idempotency.prune()).toBe(0)
      bed.clock.advance(1)
      expect(await idempotency.prune()).toBe(1)
      expect(await count(bed, 'idempotency_keys')).toBe(0)
    })

    test('what kiosks repeated is forgotten with the answer', async () => {
      await using bed = await openTestbed({ engine })
      const idempotency = createIdempotency(bed.database, bed.vault, bed.clock)
      await idempotency.once(request, () => Promise.resolve(answer))
      const { id: kioskId } = await joinedKiosk(bed)
      const bring = (epoch: string) =>
        bed.database.transact((tx) =>
          idempotency.onceFor(tx, { kioskId, epoch }, request, () => Promise.resolve(answer)),
        )
      expect([(await bring('one')).counted, (await bring('one')).counted]).toEqual([true, false])
      expect((await bring('two')).counted).toBe(true)
      expect(await count(bed, 'kiosk_repetitions')).toBe(2)
      bed.clock.advance(400 * 24 * 60 * 60 * 1000 + 1)
      await idempotency.prune()
      expect(await count(bed, 'kiosk_repetitions')).toBe(0)
    })
  })
})

test.for<[string | string[] | undefined, string]>([
  [undefined, 'absent'],
  ['abc', 'abc'],
  ['"abc"', 'abc'],
  [' abc ', 'abc'],
  [String.raw`"a\"b\\c"`, String.raw`a"b\c`],
  ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
  ['', 'malformed'],
  ['""', 'malformed'],
  ['"abc', 'malformed'],
  ['"a"b"', 'malformed'],
  [String.raw`"a\b"`, 'malformed'],
  ['a b', 'malformed'],
  ['"a b"', 'malformed'],
  ['a\tb', 'malformed'],
  ['ä', 'malformed'],
  [['a', 'b'], 'malformed'],
  ['k'.repeat(255), 'k'.repeat(255)],
  ['k'.repeat(256), 'malformed'],
  [`"${'k'.repeat(255)}"`, 'k'.repeat(255)],
])('the header %j holds %j', ([header, expected]) => {
  const key = readKey(header)
  expect(typeof key === 'string' ? key : key.key).toBe(expected)
})
