import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CardUid } from '../shared/card-uid.ts'
import { Presence } from './presence.ts'

const a = 'A0C2BBCA' as CardUid
const b = 'DEADBEEF' as CardUid
const options = { presenceGapMs: 600, cooldownMs: 1_500 }

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
})

test('the same card is a new tap when gap and cooldown have passed since it was last seen, and not before', () => {
  const presence = new Presence(options)
  expect(presence.seen(a, 0)).toBe(true)
  expect(presence.seen(a, 2_099)).toBe(false)
  expect(presence.seen(a, 2_099 + 2_100)).toBe(true)
})

test('another card is a tap at once', () => {
  const presence = new Presence(options)
  expect(presence.seen(a, 0)).toBe(true)
  expect(presence.seen(b, 0)).toBe(true)
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

  test('does not extend a presence that is already ending', () => {
    const presence = new Presence(options)
    presence.seen(a, 0)
    presence.removed(0)
    presence.removed(1_000)
    expect(presence.seen(a, 1_500)).toBe(true)
  })
})

const sightings = fc.array(
  fc.record({ card: fc.integer({ min: 0, max: 3 }), afterMs: fc.integer({ min: 0, max: 3_000 }) }),
  { maxLength: 200 },
)

test('whatever is seen when, a card taps exactly when it was not seen for gap and cooldown', () => {
  fc.assert(
    fc.property(sightings, (steps) => {
      const presence = new Presence(options)
      const lastMs = new Map<number, number>()
      let nowMs = 0
      for (const { card, afterMs } of steps) {
        nowMs += afterMs
        const last = lastMs.get(card)
        const isNew = last === undefined || nowMs - last >= 2_100
        lastMs.set(card, nowMs)
        expect(presence.seen(`0000000${String(card)}` as CardUid, nowMs)).toBe(isNew)
      }
    }),
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
