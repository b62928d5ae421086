import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CardUid, parseCardUid, reverseBytes } from './card-uid.ts'

const bytes = fc.array(
  fc.integer({ min: 0, max: 255 }).map((byte) => byte.toString(16).padStart(2, '0')),
  { minLength: 4, maxLength: 10 },
)
const separators = fc.array(fc.constantFrom('', ' ', ':', '-', ' - '), { minLength: 11, maxLength: 11 })

test.for<[string, string]>([
  ['A0C2BBCA', 'A0C2BBCA'],
  ['a0c2bbca', 'A0C2BBCA'],
  ['A0:C2:BB:CA', 'A0C2BBCA'],
  [' a0 c2-bb:ca ', 'A0C2BBCA'],
  ['04a1b2c3d4e5f6', '04A1B2C3D4E5F6'],
  ['00000000000000000000', '00000000000000000000'],
])('%j is card %s', ([text, uid]) => {
  expect(parseCardUid(text)).toEqual({ uid })
})

test.for<[string, string]>([
  ['', 'uid-empty'],
  [' :- ', 'uid-empty'],
  ['A0C2BBCG', 'uid-not-hex'],
  ['0xA0C2BBCA', 'uid-not-hex'],
  ['A0C2_BBCA', 'uid-not-hex'],
  ['A0C2BBCA\n', 'uid-not-hex'],
  ['Ａ0C2BBCA', 'uid-not-hex'],
  ['A0C2BBC', 'uid-odd-length'],
  ['A0C2BB', 'uid-length'],
  ['00'.repeat(11), 'uid-length'],
])('%j is no card: %s', ([text, fault]) => {
  expect(parseCardUid(text)).toEqual({ fault })
})

describe('every spelling of 4 to 10 bytes', () => {
  test('is the same card', () => {
    fc.assert(
      fc.property(bytes, separators, fc.boolean(), (parts, between, upper) => {
        const text = parts.map((part, place) => `${between[place] ?? ''}${part}`).join('')
        const expected = parts.join('').toUpperCase()
        expect(parseCardUid(upper ? text.toUpperCase() : text)).toEqual({ uid: expected })
      }),
    )
  })

  test('is itself again after two reversals', () => {
    fc.assert(
      fc.property(bytes, (parts) => {
        const uid = parts.join('').toUpperCase() as CardUid
        expect(reverseBytes(reverseBytes(uid))).toBe(uid)
        expect(reverseBytes(uid)).toBe(parts.toReversed().join('').toUpperCase())
      }),
    )
  })
})
