import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalise } from '../normalise.ts'
import { hexBytes, toHex } from './bytes.ts'
import { join } from './codec.testing.ts'
import { askCardData, askCardLength, askDevice, readCard, readDevice } from './pcprox.ts'

test.each([
  ['device', askDevice, '008A00000000000000'],
  ['card data', askCardData, '008F00000000000000'],
  ['card length', askCardLength, '008E00000000000000'],
])('the request for the %s is a report ID and eight bytes', (_, request, expected) => {
  expect(toHex(request)).toBe(expected)
})

test('firmware and model are where protocol.md says', () => {
  expect(readDevice(hexBytes('0000 03 07 00 3412 00'))).toEqual({ firmware: '7.3.0', model: 0x1234 })
  expect(readDevice(hexBytes('00 0000 21 07 00 3412 00'))).toEqual({ firmware: '7.1.2', model: 0x1234 })
  expect(readDevice(hexBytes('0000 03 07 00 3412'))).toBeUndefined()
  expect(readDevice(hexBytes('01 0000 03 07 00 3412 00'))).toBeUndefined()
})

describe('a card', () => {
  const h10301 = hexBytes('A4 04 0A 00 00 00 00 00')
  const bits24 = hexBytes('18 18 00 00 00 00 00 00')

  test('of the reference is facility 10, card 1188 (readers.md 1g)', () => {
    const answer = readCard(h10301, bits24)
    const card = { payload: '0A04A4', form: 'bytes', proof: 'none', bits: 24 } as const
    expect(answer).toEqual({ card })
    expect(normalise(card, { format: 'hex', byteOrder: 'as-sent' })).toEqual({
      uid: '000A04A4',
      identity: 'truncated',
      proof: 'none',
    })
  })

  test('is the same with the report ID before its bytes', () => {
    const withId = (report: Uint8Array): Uint8Array => join(Uint8Array.of(0), report)
    expect(readCard(withId(h10301), withId(bits24))).toEqual(readCard(h10301, bits24))
  })

  test('of seven bytes is turned round by the profile (pcprox issues #2 and #4)', () => {
    const answer = readCard(hexBytes('041F38D29A5B80 00'), hexBytes('38 38 00 00 00 00 00 00'))
    expect(answer).toMatchObject({ card: { payload: '805B9AD2381F04', bits: 56 } })
    const card = 'card' in answer ? answer.card : null
    expect(card && normalise(card, { format: 'hex', byteOrder: 'reversed' })).toMatchObject({
      uid: '041F38D29A5B80',
      identity: 'stable',
    })
  })

  test('of 64 bits fits', () => {
    expect(readCard(hexBytes('AD3C117E000104E0'), hexBytes('4040000000000000'))).toMatchObject({
      card: { payload: 'E00401007E113CAD', bits: 64 },
    })
  })

  test('that is not there is nothing but zeros, whatever the length says', () => {
    expect(readCard(new Uint8Array(8), bits24)).toEqual({ card: null })
    expect(readCard(new Uint8Array(8), new Uint8Array(8))).toEqual({ card: null })
  })

  test.each([
    ['short data', 'A4040A00000000', '1818000000000000'],
    ['a report ID that is not 0', '01A4040A0000000000', '1818000000000000'],
    ['long data', 'A4040A00000000000000', '1818000000000000'],
    ['a short length', 'A4040A0000000000', '18'],
    ['no length', 'A4040A0000000000', ''],
    ['no bits', 'A4040A0000000000', '0000000000000000'],
    ['fewer bits than there are', 'A4040A0000000000', '1313000000000000'],
    ['more bits than fit', 'A4040A0000000000', '4141000000000000'],
  ])('with %s is no answer', (_, data, length) => {
    expect(readCard(hexBytes(data), hexBytes(length))).toEqual({ code: 'answer-malformed' })
  })

  test('of any number and length is that number', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 2n ** 64n - 1n), fc.integer({ min: 1, max: 64 }), (value, bits) => {
        const data = new Uint8Array(8)
        new DataView(data.buffer).setBigUint64(0, value, true)
        const answer = readCard(data, Uint8Array.of(bits, bits, 0, 0, 0, 0, 0, 0))
        if (value >= 2n ** BigInt(bits)) {
          expect(answer).toEqual({ code: 'answer-malformed' })
          return
        }
        const payload = value
          .toString(16)
          .toUpperCase()
          .padStart(Math.ceil(bits / 8) * 2, '0')
        expect(answer).toEqual({ card: { payload, form: 'bytes', proof: 'none', bits } })
      }),
    )
  })
})
