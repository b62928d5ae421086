import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CardFrame } from './card-frame.ts'
import { formatNames } from './formats/formats.ts'
import { normalise, type Profile } from './normalise.ts'

const text = (payload: string): CardFrame => ({ payload, form: 'text', proof: 'none' })
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
  // Every other format: its own vectors are in formats/; here is what becomes of the number.
  ['01026F6C3A', { ...hex, format: 'hex-10' }, '01026F6C3A'],
  ['01026F6C3A', { ...hex, format: 'hex-last-4' }, '026F6C3A'],
  ['8B6566B931', { ...hex, format: 'hex-bcc' }, '8B6566B9'],
  ['0004335823930', { ...hex, format: 'decimal-13' }, '01026F6C3A'],
  ['004335823930', { ...hex, format: 'decimal-12' }, '01026F6C3A'],
  ['0062327706', { ...hex, format: 'decimal-5-5' }, '026F6C3A'],
  ['341857795', { ...hex, format: 'wiegand-34' }, 'A0C2BBCA'],
  ['0D67A25AC', { ...hex, format: 'wiegand-34', byteOrder: 'reversed' }, 'D6123D6B'],
  ['000025AD0F', { ...hex, format: 'wiegand-37' }, '000012D687'],
  [':112233445501', { ...hex, format: 'twn3-inditag' }, '1122334455'],
  // Numbers of three bytes get a zero byte in front, after they were turned round.
  ['07302202', { ...hex, format: 'decimal-8' }, '006F6C3A'],
  ['111,27706', { ...hex, format: 'decimal-3-5' }, '006F6C3A'],
  ['0DED875', { ...hex, format: 'wiegand-26' }, '006F6C3A'],
  ['9B3FAA', { ...hex, format: 'hex-6' }, '009B3FAA'],
  ['9B3FAA', { ...hex, format: 'hex-6', byteOrder: 'reversed' }, '00AA3F9B'],
  ['1A808001C0', { ...hex, format: 'twn3-hid' }, '00010003'],
  ['0605025240', { ...hex, format: 'omnikey' }, '000A04A4'],
  ['25853841984', { ...hex, format: 'omnikey-decimal' }, '000A04A4'],
]

describe('what a frame says is one UID', () => {
  test.each(vectors)('%j, %o is %s', (payload, profile, uid) => {
    expect(normalise(text(payload), profile)).toMatchObject({ uid })
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
    ['000000', { ...hex, format: 'hex-6' }, 'uid-blank'],
    ['FFFFFF', { ...hex, format: 'hex-6' }, 'uid-blank'],
    ['FFFFFF', { ...hex, format: 'hex-6', byteOrder: 'reversed' }, 'uid-blank'],
    ['255,65535', { ...hex, format: 'decimal-3-5' }, 'uid-blank'],
    ['1200000000', { ...hex, format: 'hex-last-4' }, 'uid-blank'],
    ['A0C2BB', { ...hex, byteOrder: 'reversed' }, 'uid-length'],
    ['07302202', { ...hex, format: 'decimal-8', uidBytes: 5 }, 'uid-length'],
    ['2020006', { ...hex, format: 'wiegand-26' }, 'uid-parity'],
    ['8B6566B930', { ...hex, format: 'hex-bcc' }, 'uid-checksum'],
    [':11223301', { ...hex, format: 'twn3-inditag' }, 'uid-checksum'],
    // Three bytes of id and a checksum that is right: too short all the same.
    [':1122339A', { ...hex, format: 'twn3-inditag' }, 'uid-length'],
  ] as const)('%j, %o is %s', (payload, profile, code) => {
    expect(normalise(text(payload), profile)).toEqual({ code })
  })
})

describe('bytes', () => {
  const bytes = (payload: string, more: Partial<CardFrame> = {}): CardFrame => ({
    ...text(payload),
    form: 'bytes',
    ...more,
  })

  test.each(formatNames.filter((name) => name.includes('decimal')))(
    'are no decimal digits, whatever they look like: %s',
    (format) => {
      for (const payload of ['0013748911', '07302202', '004335823930', '25853841984']) {
        expect(normalise(bytes(payload), { ...hex, format })).toEqual({ code: 'uid-not-decimal' })
      }
    },
  )

  test('with a number of bits are a number, and get a zero byte in front', () => {
    expect(normalise(bytes('0A04A4', { bits: 24 }), hex)).toEqual({
      uid: '000A04A4',
      identity: 'truncated',
      proof: 'none',
    })
    expect(normalise(bytes('FFFFFF', { bits: 24 }), hex)).toEqual({ code: 'uid-blank' })
    expect(normalise(bytes('02020007', { bits: 26 }), { ...hex, format: 'wiegand-26' })).toMatchObject({
      uid: '00010003',
      proof: 'parity',
    })
    expect(normalise(bytes('0A04A4', { bits: 24 }), { ...hex, format: 'wiegand-26' })).toEqual({
      code: 'uid-length',
    })
  })
})

describe('what a UID is worth', () => {
  const worth = (frame: CardFrame, profile: Profile): string => {
    const read = normalise(frame, profile)
    return 'code' in read ? read.code : `${read.identity} ${read.proof}`
  }

  test.each<[string, Profile, string]>([
    ['A0C2BBCA', hex, 'stable none'],
    ['043B0F1A893180', hex, 'stable none'],
    ['0824A937', hex, 'random none'],
    ['37A92408', { ...hex, byteOrder: 'reversed' }, 'random none'],
    ['0136620343', decimal, 'random none'],
    ['08AABBCCDDEEFF', hex, 'stable none'],
    ['0801161DD6', hex, 'stable none'],
    ['88043B0F', hex, 'ambiguous none'],
    ['88043B0FB8', { ...hex, format: 'hex-bcc' }, 'truncated checksum'],
    ['8B6566B931', { ...hex, format: 'hex-bcc' }, 'stable checksum'],
    ['0824A9378C', { ...hex, format: 'hex-bcc', cards: 'lf' }, 'uid-checksum'],
    ['0824A937B2', { ...hex, format: 'hex-bcc', cards: 'lf' }, 'random checksum'],
    ['111,27706', { ...hex, format: 'decimal-3-5' }, 'truncated none'],
    ['0DED875', { ...hex, format: 'wiegand-26' }, 'truncated parity'],
    ['341857795', { ...hex, format: 'wiegand-34' }, 'stable parity'],
    ['62E3086CED', { ...hex, format: 'hex-last-4' }, 'truncated none'],
    [':112233445501', { ...hex, format: 'twn3-inditag' }, 'stable checksum'],
    // Ten digits without a letter, and nobody said whether they are decimal; a length says that somebody looked.
    ['0013748911', hex, 'ambiguous none'],
    ['00 13 74 89 11', hex, 'ambiguous none'],
    ['0013748911', { ...hex, uidBytes: 5 }, 'stable none'],
    ['0013748911', { ...hex, format: 'hex-10' }, 'stable none'],
    ['0013748911', decimal, 'stable none'],
    ['12345678', hex, 'ambiguous none'],
    ['12345678', { ...hex, uidBytes: 4 }, 'stable none'],
    // No decimal reader writes these.
    ['9999999999', hex, 'stable none'],
    ['99999999', hex, 'stable none'],
    ['04112233445566', hex, 'stable none'],
    // A profile for 125 kHz cards only: there 08 and 88 are numbers like any other.
    ['0824A937', { ...hex, cards: 'lf' }, 'stable none'],
    ['88043B0F', { ...hex, cards: 'lf' }, 'stable none'],
    ['0824A937', { ...hex, cards: 'any' }, 'random none'],
    ['0013748911', { ...hex, cards: 'lf' }, 'ambiguous none'],
  ])('%j, %o: %s', (payload, profile, expected) => {
    expect(worth(text(payload), profile)).toBe(expected)
  })

  test('is said by the reader before the profile', () => {
    const frame: CardFrame = { ...text('0824A937'), technology: 'iso14443a' }
    expect(worth(frame, { ...hex, cards: 'lf' })).toBe('random none')
    expect(worth({ ...frame, technology: 'lf' }, hex)).toBe('stable none')
    expect(worth({ ...text('12345678'), form: 'bytes', isAnonymous: true }, hex)).toBe('random none')
    expect(worth({ ...text('12345678'), form: 'bytes' }, hex)).toBe('stable none')
  })

  test('is proved by the frame, or else by the number in it', () => {
    const frame: CardFrame = { ...text('2020007'), proof: 'checksum' }
    expect(worth(frame, { ...hex, format: 'wiegand-26' })).toBe('truncated checksum')
    expect(worth({ ...frame, proof: 'none' }, { ...hex, format: 'wiegand-26' })).toBe('truncated parity')
    expect(worth({ ...frame, payload: 'A0C2BBCA', proof: 'parity' }, hex)).toBe('stable parity')
  })
})

const uidBytes = fc
  .uint8Array({ minLength: 4, maxLength: 10 })
  .filter((bytes) => bytes.some((byte) => byte !== 0) && bytes.some((byte) => byte !== 0xff))
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('case and separators of hex never change the UID', () => {
  fc.assert(
    fc.property(uidBytes, fc.constantFrom('', ' ', ':', '-'), fc.boolean(), (bytes, separator, upper) => {
      const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(separator)
      const written = upper ? digits.toUpperCase() : digits
      expect(normalise(text(written), hex)).toMatchObject({ uid: toHex(bytes).toUpperCase() })
    }),
  )
})

test('every 32-bit number is the same card in decimal and in hex, in either byte order', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 0xffff_fffe }),
      fc.constantFrom('as-sent', 'reversed'),
      (id, byteOrder) => {
        const asHex = normalise(text(id.toString(16).padStart(8, '0')), {
          format: 'hex',
          byteOrder,
          uidBytes: 4,
        })
        const asDecimal = normalise(text(String(id).padStart(10, '0')), { format: 'decimal-10', byteOrder })
        expect(asDecimal).toEqual(asHex)
      },
    ),
  )
})

test('any text at all is a canonical UID of the demanded length or a code', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.stringMatching(/^[0-9A-Fa-f :-]{0,24}$/)),
      fc.constantFrom(...formatNames),
      fc.constantFrom('as-sent', 'reversed'),
      fc.option(fc.integer({ min: 4, max: 10 }), { nil: undefined }),
      (payload, format, byteOrder, length) => {
        const read = normalise(text(payload), { format, byteOrder, uidBytes: length })
        if ('code' in read) return
        expect(read.uid).toMatch(/^([0-9A-F]{2}){4,10}$/)
        expect(read.uid).not.toMatch(/^(0+|F+)$/)
        if (length !== undefined) expect(read.uid).toHaveLength(length * 2)
      },
    ),
  )
})
