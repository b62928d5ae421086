import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CardUid } from '../shared/card-uid.ts'
import { Presence } from './presence.ts'

const a = 'A0C2BBCA' as CardUid
const b = 'DEADBEEF' as CardUid
const options = { presenceGapMs: 600, cooldownMs: 1_500 }

function miss(presence: Presence, ...timesMs: number[]): void {
  for (const nowMs of timesMs) presence.missed(nowMs)
}

describe('a card left lying there', () => {
  test('is one tap for as long as the reader repeats it', () => {
    const presence = new Presence(options)
    const taps = Array.from({ length: 600 }, (_, index) => presence.seen(a, index * 1_000)).filter(Boolean)
    expect(taps).toHaveLength(1)
  })

  test('is one tap each when two cards are read in turn', () => {
    const presence = new Presence(options)
    const taps = Array.from({ length: 100 }, (_, index) =>
      presence.seen(index % 2 === 0 ? a : b, index * 100),
    )
    expect(taps.map((isNew, index) => (isNew ? index : -1)).filter((index) => index >= 0)).toEqual([0, 1])
  })

  test('is one tap when the reader misses it once or twice in between, however slowly it is asked', () => {
    const turns = fc.array(
      fc.record({ misses: fc.integer({ min: 0, max: 2 }), everyMs: fc.integer({ min: 1, max: 9_000 }) }),
    )
    fc.assert(
      fc.property(turns, (rounds) => {
        const presence = new Presence(options)
        expect(presence.seen(a, 0)).toBe(true)
        let nowMs = 0
        for (const { misses, everyMs } of rounds) {
          for (let count = 0; count < misses; count += 1) miss(presence, (nowMs += everyMs))
          expect(presence.seen(a, (nowMs += everyMs))).toBe(false)
        }
      }),
    )
  })

  test('is one tap when nobody listened for an hour', () => {
    const presence = new Presence(options)
    presence.seen(a, 0)
    expect(presence.seen(a, 3_600_000)).toBe(false)
  })
})

describe('the same card is a new tap', () => {
  test('when it was missed three times, was not seen for the gap, and then for the cooldown', () => {
    for (const [againMs, isNew] of [
      [2_099, false],
      [2_100, true],
    ] as const) {
      const presence = new Presence(options)
      presence.seen(a, 0)
      miss(presence, 200, 400, 600)
      expect(presence.seen(a, againMs)).toBe(isNew)
    }
  })

  test('not for misses alone: a hundred of them in half a second are one flicker', () => {
    const presence = new Presence({ presenceGapMs: 600, cooldownMs: 0 })
    presence.seen(a, 0)
    for (let nowMs = 1; nowMs <= 599; nowMs += 5) miss(presence, nowMs)
    expect(presence.seen(a, 599)).toBe(false)
  })

  test('not for time alone: with two misses it may still lie there', () => {
    const presence = new Presence(options)
    presence.seen(a, 0)
    miss(presence, 200, 400)
    expect(presence.needsMisses).toBe(true)
    expect(presence.seen(a, 60_000)).toBe(false)
  })

  test('later where the third miss is late, because it left no earlier than that', () => {
    const presence = new Presence(options)
    presence.seen(a, 0)
    miss(presence, 1_000, 2_000, 3_000)
    expect(presence.needsMisses).toBe(false)
    expect(presence.seen(a, 4_499)).toBe(false)
    miss(presence, 5_000, 5_000, 6_000)
    expect(presence.seen(a, 7_500)).toBe(true)
  })

  test('by time alone when nobody listens any more', () => {
    const presence = new Presence(options)
    presence.seen(a, 0)
    presence.interrupted()
    expect(presence.needsMisses).toBe(false)
    expect(presence.seen(a, 2_099)).toBe(false)
    presence.interrupted()
    expect(presence.seen(a, 2_099 + 2_100)).toBe(true)
  })

  test('each time it is seen, without a gap and a cooldown', () => {
    const presence = new Presence({ presenceGapMs: 0, cooldownMs: 0 })
    expect([presence.seen(a, 0), presence.seen(a, 0), presence.seen(a, 1)]).toEqual([true, true, true])
    expect(presence.needsMisses).toBe(false)
  })
})

describe('another card', () => {
  test('is a tap at once', () => {
    const presence = new Presence(options)
    expect(presence.seen(a, 0)).toBe(true)
    expect(presence.seen(b, 0)).toBe(true)
  })

  test('that takes the place of one is a tap however quickly, and so is the first one when it comes back', () => {
    const times = (everyMs: number, fromMs: number, toMs: number): number[] =>
      Array.from({ length: Math.ceil((toMs - fromMs) / everyMs) }, (_, index) => fromMs + index * everyMs)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 200 }), (swapMs, everyMs) => {
        const presence = new Presence(options)
        expect(presence.seen(a, 0)).toBe(true)
        // Frames of the other card are misses of this one: nothing else says that it left.
        const [first, ...more] = times(everyMs, swapMs, 2_200).map((nowMs) => presence.seen(b, nowMs))
        expect(first).toBe(true)
        expect(more).not.toContain(true)
        // Three misses of it are seen by 700 ms at the latest.
        expect(presence.seen(a, 2_200)).toBe(true)
      }),
    )
  })
})

describe('a reader that says when the card leaves', () => {
  test('makes the same card a new tap after the cooldown alone', () => {
    const presence = new Presence(options)
    presence.seen(a, 0)
    presence.removed(100)
    expect(presence.seen(a, 1_599)).toBe(false)
    presence.removed(1_600)
    expect(presence.seen(a, 3_100)).toBe(true)
  })

  test('makes it a new tap at once without a cooldown', () => {
    const presence = new Presence({ presenceGapMs: 600, cooldownMs: 0 })
    presence.seen(a, 0)
    presence.removed(0)
    expect(presence.seen(a, 0)).toBe(true)
  })

  test('is believed about a card it has not repeated for ten minutes', () => {
    const presence = new Presence(options)
    presence.seen(a, 0)
    miss(presence, 200, 400, 600)
    presence.removed(600_000)
    expect(presence.seen(a, 600_100)).toBe(false)
  })

  test('does not extend a presence that is already ending', () => {
    const presence = new Presence(options)
    presence.seen(a, 0)
    presence.removed(0)
    presence.removed(1_000)
    expect(presence.seen(a, 1_500)).toBe(true)
  })
})

interface Happening {
  /** A number is a card that was seen. */
  what: 'missed' | 'removed' | 'interrupted' | number
  atMs: number
}

/** When the card left, going by everything that happened after it was last seen. */
function leftMs(lastMs: number, since: Happening[]): number {
  const removal = since.find(({ what }) => what === 'removed')
  if (removal !== undefined) return removal.atMs
  const third = since.filter(({ what }) => what === 'missed' || typeof what === 'number')[2]
  const end = since.find((happening) => happening.what === 'interrupted' || happening === third)
  if (end === undefined) return Infinity
  return end.what === 'interrupted' ? lastMs + 600 : Math.max(end.atMs, lastMs + 600)
}

/** A card whose cooldown is over is forgotten when another one comes: what the reader says then is not of it. */
function isNewTap(lastMs: number, since: Happening[], nowMs: number): boolean {
  const isOver = (upTo: number, atMs: number): boolean => atMs >= leftMs(lastMs, since.slice(0, upTo)) + 1_500
  const isForgotten = since.some(
    ({ what, atMs }, index) => typeof what === 'number' && isOver(index + 1, atMs),
  )
  return isForgotten || isOver(since.length, nowMs)
}

test('whatever happens when, a card taps exactly when it had left and the cooldown is over', () => {
  const steps = fc.array(
    fc.record({
      what: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 0, max: 3 }) },
        { weight: 8, arbitrary: fc.constant('missed' as const) },
        fc.constantFrom('removed' as const, 'interrupted' as const),
      ),
      afterMs: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 3_000 })),
    }),
    { maxLength: 200, size: 'max' },
  )
  fc.assert(
    fc.property(steps, (happenings) => {
      const presence = new Presence(options)
      const past: Happening[] = []
      let atMs = 0
      for (const { what, afterMs } of happenings) {
        atMs += afterMs
        if (what === 'interrupted') presence.interrupted()
        else if (what === 'missed' || what === 'removed') presence[what](atMs)
        else {
          const last = past.findLastIndex((happening) => happening.what === what)
          const lastMs = past[last]?.atMs
          const isNew = lastMs === undefined || isNewTap(lastMs, past.slice(last + 1), atMs)
          expect(presence.seen(`0000000${String(what)}` as CardUid, atMs)).toBe(isNew)
        }
        past.push({ what, atMs })
      }
    }),
    { numRuns: 500 },
  )
})

test('a stream of ever new cards is remembered in bounded memory, and the card lying there is not forgotten', () => {
  const presence = new Presence(options)
  presence.seen(a, 0)
  for (let index = 0; index < 10_000; index += 1) {
    presence.seen(`F${String(index).padStart(7, '0')}` as CardUid, index)
    if (index % 20 === 0) expect(presence.seen(a, index)).toBe(false)
    expect(presence.size).toBeLessThanOrEqual(32)
  }
})
