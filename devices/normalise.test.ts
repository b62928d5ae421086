import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalise, type Profile } from './normalise.ts'

const hex: Profile = { format: 'hex', byteOrder: 'as-sent' }
const decimal: Profile = { format: 'decimal-10', byteOrder: 'as-sent' }

/** Reference: readers.md 1a, 1b (8H10D column) and 1j. */
const vectors: [payload: string, profile: Profile, uid: string][] = [
  ['A0C2BBCA', hex, 'A0C2BBCA'],
  ['a0:c2:bb:ca', hex, 'A0C2BBCA'],
  ['A0 C2 BB CA', hex, 'A0C2BBCA'],
  ['A0-C2-BB-CA', hex, 'A0C2BBCA'],
  // What is left of `UID: A0C2BBCA` when the prefix `UID:` is off.
  [' A0C2BBCA', hex, 'A0C2BBCA'],
  ['2697116618', decimal, 'A0C2BBCA'],
  ['3401302688', { ...decimal, byteOrder: 'reversed' }, 'A0C2BBCA'],
  ['0013748911', decimal, '00D1CAAF'],
  ['0013748911', hex, '0013748911'],
  ['3808980205', decimal, 'E3086CED'],
  ['0000401829', decimal, '000621A5'],
  ['0006572982', decimal, '00644BB6'],
  ['0068472190', decimal, '0414CD7E'],
  ['0025489530', decimal, '0184F07A'],
  ['0011982773', decimal, '00B6D7B5'],
  ['0040856634', decimal, '026F6C3A'],
  ['1386022627', decimal, '529D06E3'],
  ['3808861522', { ...decimal, byteOrder: 'reversed' }, '529D06E3'],
  ['043B0F1A893180', hex, '043B0F1A893180'],
  ['AD3C117E000104E0', { ...hex, byteOrder: 'reversed' }, 'E00401007E113CAD'],
  ['4F8DBF0000A407E0', { ...hex, byteOrder: 'reversed' }, 'E007A40000BF8D4F'],
  ['8FB27F2C', { ...hex, byteOrder: 'reversed' }, '2C7FB28F'],
]

describe('what a frame says is one UID', () => {
  test.each(vectors)('%j, %o is %s', (payload, profile, uid) => {
    expect(normalise(payload, profile)).toEqual({ uid })
  })
})

describe('what is no UID is refused by name', () => {
  test.each([
    ['', hex, 'uid-empty'],
    [' - : ', hex, 'uid-empty'],
    ['A0C2BBC', hex, 'uid-odd-length'],
    ['A0C2BBCG', hex, 'uid-not-hex'],
    ['A0C2BB', hex, 'uid-length'],
    ['0102030405060708090A0B', hex, 'uid-length'],
    ['00000000', hex, 'uid-blank'],
    ['0000000000', hex, 'uid-blank'],
    ['FFFFFFFF', hex, 'uid-blank'],
    ['ff:ff:ff:ff:ff:ff:ff', hex, 'uid-blank'],
    ['A0C2BBCA', { ...hex, uidBytes: 7 }, 'uid-length'],
    ['0013748911', { ...hex, uidBytes: 4 }, 'uid-length'],
    ['', decimal, 'uid-empty'],
    ['A0C2BBCA', decimal, 'uid-not-decimal'],
    ['269711661', decimal, 'uid-not-decimal'],
    ['26971166180', decimal, 'uid-not-decimal'],
    ['269711661A', decimal, 'uid-not-decimal'],
    ['4294967296', decimal, 'uid-out-of-range'],
    ['9999999999', decimal, 'uid-out-of-range'],
    ['0000000000', decimal, 'uid-blank'],
    ['4294967295', decimal, 'uid-blank'],
  ] as const)('%j, %o is %s', (payload, profile, code) => {
    expect(normalise(payload, profile)).toEqual({ code })
  })
})

const uidBytes = fc
  .uint8Array({ minLength: 4, maxLength: 10 })
  .filter((bytes) => bytes.some((byte) => byte !== 0) && bytes.some((byte) => byte !== 0xff))
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('case and separators of hex never change the UID', () => {
  fc.assert(
    fc.property(uidBytes, fc.constantFrom('', ' ', ':', '-'), fc.boolean(), (bytes, separator, upper) => {
      const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(separator)
      const written = upper ? text.toUpperCase() : text
      expect(normalise(written, hex)).toEqual({ uid: toHex(bytes).toUpperCase() })
    }),
  )
})

test('every 32-bit number is the same card in decimal and in hex, in either byte order', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 0xffff_fffe }),
      fc.constantFrom('as-sent', 'reversed'),
      (id, byteOrder) => {
        const asHex = normalise(id.toString(16).padStart(8, '0'), { format: 'hex', byteOrder })
        const asDecimal = normalise(String(id).padStart(10, '0'), { format: 'decimal-10', byteOrder })
        expect(asDecimal).toEqual(asHex)
      },
    ),
  )
})

test('any text at all is a canonical UID of the demanded length or a code', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.stringMatching(/^[0-9A-Fa-f :-]{0,24}$/)),
      fc.constantFrom('hex', 'decimal-10'),
      fc.constantFrom('as-sent', 'reversed'),
      fc.option(fc.integer({ min: 4, max: 10 }), { nil: undefined }),
      (text, format, byteOrder, length) => {
        const read = normalise(text, { format, byteOrder, uidBytes: length })
        if ('code' in read) return
        expect(read.uid).toMatch(/^([0-9A-F]{2}){4,10}$/)
        expect(read.uid).not.toMatch(/^(0+|F+)$/)
        if (length !== undefined) expect(read.uid).toHaveLength(length * 2)
      },
    ),
  )
})
