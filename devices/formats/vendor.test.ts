import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { omnikey, omnikeyDecimal, twn3Hid, twn3Inditag } from './vendor.ts'
import { encodeWiegand, h10301, h10304, wiegand34Layout } from './wiegand.ts'

const formats = {
  'twn3-hid': twn3Hid,
  omnikey,
  'omnikey-decimal': omnikeyDecimal,
  'twn3-inditag': twn3Inditag,
}

describe('what is read', () => {
  test.each<[keyof typeof formats, string, string, boolean, string]>([
    // readers.md 1a and 1c.
    ['twn3-hid', '1A808001C0', '010003', true, 'parity'],
    ['twn3-inditag', ':112233445501', '1122334455', false, 'checksum'],
    ['twn3-inditag', '112233445501', '1122334455', false, 'checksum'],
    ['omnikey', '0605025240', '0A04A4', true, 'parity'],
    ['omnikey-decimal', '25853841984', '0A04A4', true, 'parity'],
  ])('%s: %j is %s', (name, text, hex, isTruncated, proof) => {
    expect(formats[name].read(text)).toEqual({ hex, isTruncated, proof })
  })

  test('of any card is that card, in every form', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(h10301, wiegand34Layout, h10304),
        fc.maxSafeNat(),
        fc.maxSafeNat(),
        (layout, one, two) => {
          const facility = one % 2 ** layout.facilityBits
          const card = two % 2 ** (layout.bits - 2 - layout.facilityBits)
          const bits = encodeWiegand({ facility, card }, layout)
          const bytes = Math.ceil(bits.length / 8)
          const frame = BigInt(`0b${bits.padEnd(bytes * 8, '0')}`)
            .toString(16)
            .padStart(bytes * 2, '0')
          const data = BigInt(`0b${bits.slice(1, -1)}`)
          const hex = data
            .toString(16)
            .toUpperCase()
            .padStart(Math.ceil((bits.length - 2) / 8) * 2, '0')
          const filled = `0${String(bytes * 8 - bits.length)}${frame}`
          for (const number of [
            twn3Hid.read(bits.length.toString(16).padStart(2, '0') + frame),
            omnikey.read(filled),
            omnikeyDecimal.read(String(BigInt(`0x${filled}`))),
          ]) {
            expect(number).toEqual({ hex, isTruncated: layout === h10301, proof: 'parity' })
          }
        },
      ),
    )
  })
})

describe('what is not', () => {
  test.each<[keyof typeof formats, string, string]>([
    ['twn3-hid', '', 'uid-empty'],
    ['twn3-hid', '1A80800', 'uid-odd-length'],
    ['twn3-hid', '1A', 'uid-length'],
    ['twn3-hid', '1A808001', 'uid-length'],
    ['twn3-hid', '1A808001C000', 'uid-length'],
    ['twn3-hid', '1A808001C1', 'uid-out-of-range'],
    ['twn3-hid', '1A80800180', 'uid-parity'],
    ['twn3-hid', '18808001', 'uid-length'],
    ['omnikey', '', 'uid-empty'],
    ['omnikey', '06', 'uid-length'],
    ['omnikey', '060502524', 'uid-odd-length'],
    ['omnikey', '0605025241', 'uid-out-of-range'],
    ['omnikey', '0805025240', 'uid-out-of-range'],
    ['omnikey', '0505025240', 'uid-length'],
    ['omnikey', '0705025200', 'uid-length'],
    ['omnikey', '0605025200', 'uid-parity'],
    ['omnikey-decimal', '', 'uid-empty'],
    ['omnikey-decimal', '2585384198A', 'uid-not-decimal'],
    ['omnikey-decimal', '1'.repeat(21), 'uid-not-decimal'],
    ['omnikey-decimal', '0', 'uid-length'],
    ['omnikey-decimal', '25853841985', 'uid-out-of-range'],
    ['omnikey-decimal', '25853841920', 'uid-parity'],
    ['twn3-inditag', '', 'uid-empty'],
    ['twn3-inditag', ':', 'uid-empty'],
    ['twn3-inditag', ':00', 'uid-length'],
    ['twn3-inditag', ':112233445502', 'uid-checksum'],
    ['twn3-inditag', ':11223344550', 'uid-odd-length'],
    ['twn3-inditag', ':1122334455', 'uid-checksum'],
  ])('%s: %j is %s', (name, text, code) => {
    expect(formats[name].read(text)).toEqual({ code })
  })

  test('an IndiTag with any one bit wrong', () => {
    const right = BigInt('0x112233445501')
    for (let bit = 0n; bit < 48n; bit += 1n) {
      const damaged = (right ^ (1n << bit)).toString(16).padStart(12, '0')
      expect(twn3Inditag.read(damaged)).toEqual({ code: 'uid-checksum' })
    }
  })
})
