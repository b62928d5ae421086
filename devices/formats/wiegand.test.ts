import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeWiegand,
  encodeWiegand,
  h10301,
  h10302,
  h10304,
  wiegand26,
  wiegand34,
  wiegand34Layout,
  wiegand37,
  wiegandNumber,
  type WiegandLayout,
} from './wiegand.ts'

const layouts = { h10301, wiegand34: wiegand34Layout, h10302, h10304 }
const formatOf = { 26: wiegand26, 34: wiegand34, 37: wiegand37 }

const toBits = (hex: string, bits: number): string => BigInt(`0x${hex}`).toString(2).padStart(bits, '0')

/** readers.md 1c. */
const vectors: [string, keyof typeof layouts, string, number, number, string][] = [
  ['TWN3 p.25', 'h10301', '2020007', 1, 3, '010003'],
  ['OMNIKEY 5x27 p.13', 'h10301', '0140949', 10, 1188, '0A04A4'],
  ['of 01026F6C3A', 'h10301', '0DED875', 111, 27706, '6F6C3A'],
  ['7941D page', 'h10301', '07A25AD', 0x3d, 0x12d6, '3D12D6'],
  ['of A0C2BBCA', 'wiegand34', '341857795', 0, 0xa0c2bbca, 'A0C2BBCA'],
  ['of 6B3D12D6', 'wiegand34', '0D67A25AC', 0, 0x6b3d12d6, '6B3D12D6'],
  ['card 1234567', 'h10302', '000025AD0F', 0, 1234567, '000012D687'],
  ['facility 1000, card 234567', 'h10304', '103E87288E', 1000, 234567, '001F439447'],
]

describe('a frame of the reference', () => {
  test.each(vectors)('%s: %s %s', (_, name, hex, facility, card) => {
    const layout = layouts[name]
    const bits = toBits(hex, layout.bits)
    expect(decodeWiegand(bits, layout)).toEqual({ facility, card })
    expect(encodeWiegand({ facility, card }, layout)).toBe(bits)
  })

  test.each(vectors)('%s: %s %s as a UID', (_, name, hex, _facility, _card, digits) => {
    const { bits } = layouts[name]
    const expected = { hex: digits, isTruncated: bits === 26, proof: 'parity' }
    const format = formatOf[bits]
    expect(format.read(hex)).toEqual(expected)
    expect(format.read(hex.toLowerCase())).toEqual(expected)
    expect(format.read(toBits(hex, bits))).toEqual(expected)
    expect(format.read(hex.length % 2 === 0 ? hex : `0${hex}`)).toEqual(expected)
    expect(format.read(hex, bits)).toEqual(expected)
  })

  test('26 bits as the manual draws them', () => {
    expect(encodeWiegand({ facility: 1, card: 3 }, h10301)).toBe('10000000100000000000000111')
    expect(encodeWiegand({ facility: 10, card: 1188 }, h10301)).toBe('00000101000000100101001001')
  })
})

const layoutNames = Object.keys(layouts) as (keyof typeof layouts)[]

function cardOf({ bits, facilityBits }: WiegandLayout) {
  return fc.record({
    facility: fc.nat(2 ** facilityBits - 1),
    card: fc.maxSafeNat().map((value) => value % 2 ** (bits - 2 - facilityBits)),
  })
}

describe.each(layoutNames)('every card of %s', (name) => {
  const layout = layouts[name]

  test('is itself again when it was written and read', () => {
    fc.assert(
      fc.property(cardOf(layout), (card) => {
        const bits = encodeWiegand(card, layout)
        expect(bits).toHaveLength(layout.bits)
        expect(decodeWiegand(bits, layout)).toEqual(card)
        const hex = BigInt(`0b${bits}`)
          .toString(16)
          .padStart(Math.ceil(layout.bits / 4), '0')
        expect(formatOf[layout.bits].read(hex)).toEqual(wiegandNumber(bits))
      }),
    )
  })

  test('is refused with any one bit wrong', () => {
    fc.assert(
      fc.property(cardOf(layout), fc.nat(layout.bits - 1), (card, place) => {
        const bits = encodeWiegand(card, layout)
        const flipped = bits.slice(0, place) + (bits[place] === '0' ? '1' : '0') + bits.slice(place + 1)
        expect(decodeWiegand(flipped, layout)).toBeUndefined()
        expect(wiegandNumber(flipped)).toEqual({ code: 'uid-parity' })
      }),
    )
  })

  test('must fit, and its frame must be as long as the layout', () => {
    const cardBits = layout.bits - 2 - layout.facilityBits
    expect(() => encodeWiegand({ facility: 2 ** layout.facilityBits, card: 0 }, layout)).toThrow(RangeError)
    expect(() => encodeWiegand({ facility: 0, card: 2 ** cardBits }, layout)).toThrow(RangeError)
    const greatest = { facility: 2 ** layout.facilityBits - 1, card: 2 ** cardBits - 1 }
    expect(decodeWiegand(encodeWiegand(greatest, layout), layout)).toEqual(greatest)
    expect(decodeWiegand(`${encodeWiegand(greatest, layout)}0`, layout)).toBeUndefined()
    for (const other of Object.values(layouts).filter(({ bits }) => bits !== layout.bits)) {
      expect(decodeWiegand(encodeWiegand({ facility: 0, card: 3 }, other), layout)).toBeUndefined()
    }
  })
})

test('two wrong bits in one half are what parity cannot tell', () => {
  expect(decodeWiegand('10000000100000000000000111', h10301)).toEqual({ facility: 1, card: 3 })
  expect(decodeWiegand('10110000100000000000000111', h10301)).toEqual({ facility: 0x61, card: 3 })
})

describe('what is no frame', () => {
  test.each<[26 | 34 | 37, string, string]>([
    [26, '', 'uid-empty'],
    [26, ' ', 'uid-empty'],
    [26, '202000', 'uid-length'],
    [26, '002020007', 'uid-length'],
    [26, '202000G', 'uid-not-hex'],
    [26, '4020007', 'uid-out-of-range'],
    [26, 'F020007', 'uid-out-of-range'],
    [26, '2020006', 'uid-parity'],
    [26, '0020007', 'uid-parity'],
    [26, '0000000', 'uid-parity'],
    [26, '1000000010000000000000011', 'uid-length'],
    [26, '10000000100000000000000110', 'uid-parity'],
    [26, '10000000100000000000000112', 'uid-length'],
    [34, '41857795', 'uid-length'],
    [34, '0341857794', 'uid-parity'],
    [34, '741857795', 'uid-out-of-range'],
    [34, 'A0C2BBCA', 'uid-length'],
    [37, '00025AD0F', 'uid-length'],
    [37, '000025AD0E', 'uid-parity'],
    [37, '000000025AD0F', 'uid-length'],
    [37, '200025AD0F', 'uid-out-of-range'],
  ])('of %i bits: %j is %s', (bits, text, code) => {
    expect(formatOf[bits].read(text)).toEqual({ code })
  })

  test('is one of another length than the reader says', () => {
    expect(wiegand26.read('2020007', 24)).toEqual({ code: 'uid-length' })
    expect(wiegandNumber('101')).toEqual({ code: 'uid-length' })
    // ESPHome: keypads send frames of 4 and 8 bits.
    expect(wiegandNumber('11100001')).toEqual({ code: 'uid-length' })
  })
})
