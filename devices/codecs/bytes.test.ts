import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromHex, hexBytes, toHex, xor } from './bytes.ts'

test('hex of bytes is the bytes again, in either case', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex').toUpperCase())
      expect(fromHex(toHex(bytes))).toEqual(bytes)
      expect(fromHex(toHex(bytes).toLowerCase())).toEqual(bytes)
    }),
  )
})

test.each(['0', '0G', 'A0 ', ' A0', '0x0A', 'A0\n', 'A', 'Ａ0'])('%j is no hex', (text) => {
  expect(fromHex(text)).toBeUndefined()
})

test('hex in the program may have spaces, and nothing else', () => {
  expect(hexBytes('A0 C2')).toEqual(Uint8Array.of(0xa0, 0xc2))
  expect(() => hexBytes('A0:C2')).toThrow(RangeError)
})

test.each([
  ['', 0],
  ['62E3086CED', 0x08],
  ['62E3086CED08', 0],
])('the XOR of %s is %i', (hex, expected) => {
  expect(xor(hexBytes(hex))).toBe(expected)
})
