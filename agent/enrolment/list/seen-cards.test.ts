import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CardUid } from '../../../shared/card-uid.ts'
import { SeenCards } from './seen-cards.ts'

const uid = fc
  .uint8Array({ minLength: 4, maxLength: 10 })
  .map((bytes) => Buffer.from(bytes).toString('hex').toUpperCase() as CardUid)
/** As a batch of cards is numbered: all but the same. */
const numbered = fc
  .tuple(fc.constantFrom(8, 14, 20), fc.nat(3_000))
  .map(([length, number]) => number.toString(16).toUpperCase().padStart(length, '0') as CardUid)

test('every card is found in the line in which it stood first, and no other is', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(uid, numbered), { maxLength: 3_000, size: 'max' }),
      fc.array(uid),
      (cards, others) => {
        const seen = new SeenCards()
        const lines = new Map<CardUid, number>()
        for (const [place, card] of cards.entries()) {
          expect(seen.lineOf(card)).toBe(lines.get(card))
          if (lines.has(card)) continue
          lines.set(card, place + 1)
          seen.add(card, place + 1)
        }
        for (const card of [...cards, ...others]) expect(seen.lineOf(card)).toBe(lines.get(card))
      },
    ),
    { numRuns: 20 },
  )
})
