import { describe, expect, test } from 'vitest'
import { handClock, openTestbed, register, send, type Received, type Testbed } from '../testbed.testing.ts'
import { memoryHits } from './memory-hits.ts'

const minute = 60_000
const start = Date.parse('2026-03-01T12:00:00.000Z') / 1000

function limits({ status, headers }: Received): unknown[] {
  return [
    status,
    headers['x-ratelimit-limit'],
    headers['x-ratelimit-remaining'],
    headers['retry-after'],
    headers['x-ratelimit-reset'],
  ]
}

/** An empty registration: refused, but counted. */
const empty = (bed: Testbed, sent: Parameters<typeof send>[1] = {}) => send(bed.port, { body: '{}', ...sent })

describe('60 registrations per minute and address', () => {
  test('the 61st is refused, exactly', async () => {
    await using bed = await openTestbed({ vltRateLimit: 60 })
    for (let n = 1; n <= 60; n += 1) {
      expect(limits(await empty(bed))).toEqual([422, '60', String(60 - n), undefined, undefined])
    }
    const refused = await register(bed.port)
    expect(limits(refused)).toEqual([429, '60', '0', '60', String(start + 60)])
    expect(refused.body).toBe('{"message":"Too Many Attempts."}')
  })

  test('the window starts with the first request and refused ones do not extend it', async () => {
    await using bed = await openTestbed({ vltRateLimit: 2 })
    await empty(bed)
    bed.clock.advance(20_000)
    await empty(bed)
    bed.clock.advance(10_500)
    expect(limits(await empty(bed))).toEqual([429, '2', '0', '30', String(start + 30 + 30)])
    bed.clock.advance(29_499)
    expect(limits(await empty(bed))).toEqual([429, '2', '0', '1', String(start + 59 + 1)])
    bed.clock.advance(1)
    expect(limits(await empty(bed))).toEqual([422, '2', '1', undefined, undefined])
  })

  test('addresses are counted apart', async () => {
    await using bed = await openTestbed({ vltRateLimit: 1 })
    expect((await empty(bed, { from: '127.0.0.2' })).status).toBe(422)
    expect((await empty(bed, { from: '127.0.0.3' })).status).toBe(422)
    expect((await empty(bed, { from: '127.0.0.2' })).status).toBe(429)
  })

  test('other routes and methods are not counted', async () => {
    await using bed = await openTestbed({ vltRateLimit: 1 })
    for (const method of ['GET', 'OPTIONS', 'PUT']) {
      const { headers } = await send(bed.port, { method })
      expect(headers['x-ratelimit-limit']).toBeUndefined()
    }
    expect((await empty(bed)).status).toBe(422)
  })

  test('an unlisted client cannot choose its address', async () => {
    await using bed = await openTestbed({ vltRateLimit: 1, trustedProxy: ['10.0.0.0/8'] })
    const forged = (address: string) => empty(bed, { headers: { 'x-forwarded-for': address } })
    expect((await forged('192.0.2.1')).status).toBe(422)
    expect((await forged('192.0.2.2')).status).toBe(429)
  })

  test('behind a listed proxy the client before it is counted, not what the client claims', async () => {
    await using bed = await openTestbed({ vltRateLimit: 1, trustedProxy: ['127.0.0.0/8'] })
    const forwarded = (list: string) => empty(bed, { headers: { 'x-forwarded-for': list } })
    expect((await forwarded('192.0.2.1')).status).toBe(422)
    expect((await forwarded('192.0.2.2')).status).toBe(422)
    expect((await forwarded('198.51.100.9, 192.0.2.1')).status).toBe(429)
    expect((await forwarded('192.0.2.1:4711')).status).toBe(429)
    expect((await forwarded('::ffff:192.0.2.1')).status).toBe(429)
    expect((await forwarded('2001:db8::1')).status).toBe(422)
    expect((await forwarded('2001:db8:0:0:ffff::2')).status).toBe(429)
    expect((await forwarded('2001:db8:0:1::1')).status).toBe(422)
  })

  test('a proxy that forwards nonsense is counted itself', async () => {
    await using bed = await openTestbed({ vltRateLimit: 1, trustedProxy: ['127.0.0.0/8'] })
    expect((await empty(bed, { headers: { 'x-forwarded-for': 'unknown' } })).status).toBe(422)
    expect((await empty(bed, { headers: { 'x-forwarded-for': 'nonsense' } })).status).toBe(429)
  })
})

describe('counts in memory', () => {
  test('a flood of keys costs no more than the cap and forgets the oldest first', async () => {
    const clock = handClock()
    const hits = memoryHits(clock, 100)
    for (let n = 0; n < 1_000; n += 1) await hits.hit(`key ${String(n)}`, minute)
    expect(hits.size).toBe(100)
    expect((await hits.hit('key 999', minute)).count).toBe(2)
    expect((await hits.hit('key 1', minute)).count).toBe(1)
  })

  test('ended windows are dropped as new ones come', async () => {
    const clock = handClock()
    const hits = memoryHits(clock)
    for (let n = 0; n < 50; n += 1) await hits.hit(`key ${String(n)}`, minute)
    clock.advance(minute)
    await hits.hit('another', minute)
    expect(hits.size).toBe(1)
  })

  test('a wall clock that jumps changes nothing', async () => {
    const clock = handClock()
    let year = 2026
    const hits = memoryHits({ ...clock, now: () => `${String(year)}-03-01T12:00:00.000Z` })
    await hits.hit('key', minute)
    year = 2040
    expect(await hits.hit('key', minute)).toEqual({ count: 2, resetsInMs: minute })
  })
})
