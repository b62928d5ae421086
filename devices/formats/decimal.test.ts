import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decimal10, decimal12, decimal13, decimal3x5, decimal5x5, decimal8 } from './decimal.ts'
import type { NumberFormat } from './number-format.ts'

/** readers.md 1c: every column of the same three cards, and 1b's of four more. */
const cards = [
  {
    hex: '01026F6C3A',
    d13: '0004335823930',
    d10: '0040856634',
    d8: '07302202',
    d3x5: '111,27706',
    d5x5: '00623,27706',
  },
  {
    hex: '0801161DD6',
    d13: '0034377965014',
    d10: '0018226646',
    d8: '01449430',
    d3x5: '022,07638',
    d5x5: '00278,07638',
  },
  {
    hex: '01020E9C9B',
    d13: '0004329479323',
    d10: '0034512027',
    d8: '00957595',
    d3x5: '014,40091',
    d5x5: '00526,40091',
  },
]

describe.each(cards)('the card $hex', ({ hex, d13, d10, d8, d3x5, d5x5 }) => {
  const read = (format: NumberFormat, text: string): string => {
    const number = format.read(text)
    return 'hex' in number ? `${number.hex} ${String(number.isTruncated)} ${number.proof}` : number.code
  }

  test('is one number in every column, as far as the column goes', () => {
    expect(read(decimal13, d13)).toBe(`${hex} false none`)
    expect(read(decimal12, d13.slice(1))).toBe(`${hex} false none`)
    expect(read(decimal10, d10)).toBe(`${hex.slice(2)} false none`)
    expect(read(decimal5x5, d5x5)).toBe(`${hex.slice(2)} false none`)
    expect(read(decimal8, d8)).toBe(`${hex.slice(4)} true none`)
    expect(read(decimal3x5, d3x5)).toBe(`${hex.slice(4)} true none`)
  })

  test('has pairs with any separator, and with none', () => {
    for (const separator of [',', ' ', ':', ';', '/', '-', '']) {
      expect(read(decimal3x5, d3x5.replace(',', separator))).toBe(`${hex.slice(4)} true none`)
      expect(read(decimal5x5, ` ${d5x5.replace(',', separator)} `)).toBe(`${hex.slice(2)} false none`)
    }
  })
})

test.each([
  ['E3086CED', '3808980205', '008,27885'],
  ['000621A5', '0000401829', '006,08613'],
  ['00644BB6', '0006572982', '100,19382'],
  ['0414CD7E', '0068472190', '020,52606'],
  ['0184F07A', '0025489530', '132,61562'],
  ['00B6D7B5', '0011982773', '182,55221'],
  ['529D06E3', '1386022627', '157,01763'],
])('%s is printed %s and %s (readers.md 1b and 1c)', (hex, d10, pair) => {
  expect(decimal10.read(d10)).toMatchObject({ hex })
  expect(decimal3x5.read(pair)).toMatchObject({ hex: hex.slice(2) })
})

test("the number in Seeed's own example is another card's", () => {
  // 60717296877 in the manual; 62E3086CED is 424715775213.
  expect(decimal12.read('060717296877')).toMatchObject({ hex: '0E23086CED' })
  expect(decimal12.read('424715775213')).toMatchObject({ hex: '62E3086CED' })
})

describe('what is no such number', () => {
  const formats = {
    'decimal-8': decimal8,
    'decimal-10': decimal10,
    'decimal-12': decimal12,
    'decimal-13': decimal13,
    'decimal-3-5': decimal3x5,
    'decimal-5-5': decimal5x5,
  }
  test.each<[keyof typeof formats, string, string]>([
    ['decimal-8', '', 'uid-empty'],
    ['decimal-8', ' - ', 'uid-empty'],
    ['decimal-8', '0730220', 'uid-not-decimal'],
    ['decimal-8', '073022022', 'uid-not-decimal'],
    ['decimal-8', '0730220A', 'uid-not-decimal'],
    ['decimal-8', '16777216', 'uid-out-of-range'],
    ['decimal-10', '4294967296', 'uid-out-of-range'],
    ['decimal-10', '٠١٢٣٤٥٦٧٨٩', 'uid-not-decimal'],
    ['decimal-10', '+123456789', 'uid-not-decimal'],
    ['decimal-10', '12345.6789', 'uid-not-decimal'],
    ['decimal-12', '0004335823930', 'uid-not-decimal'],
    ['decimal-13', '004335823930', 'uid-not-decimal'],
    ['decimal-13', '1099511627776', 'uid-out-of-range'],
    ['decimal-3-5', '', 'uid-empty'],
    ['decimal-3-5', '  ', 'uid-empty'],
    ['decimal-3-5', '111,,27706', 'uid-not-decimal'],
    ['decimal-3-5', '11,127706', 'uid-not-decimal'],
    ['decimal-3-5', '111,27706,', 'uid-not-decimal'],
    ['decimal-3-5', '0111,27706', 'uid-not-decimal'],
    ['decimal-3-5', '256,00000', 'uid-out-of-range'],
    ['decimal-3-5', '000,65536', 'uid-out-of-range'],
    ['decimal-5-5', '65536,00000', 'uid-out-of-range'],
    ['decimal-5-5', '00000,65536', 'uid-out-of-range'],
    ['decimal-5-5', '0623,27706', 'uid-not-decimal'],
  ])('%s: %j is %s', (name, text, code) => {
    expect(formats[name].read(text)).toEqual({ code })
  })

  test('the greatest number of each still is', () => {
    expect(decimal8.read('16777215')).toMatchObject({ hex: 'FFFFFF' })
    expect(decimal10.read('4294967295')).toMatchObject({ hex: 'FFFFFFFF' })
    expect(decimal12.read('999999999999')).toMatchObject({ hex: 'E8D4A50FFF' })
    expect(decimal13.read('1099511627775')).toMatchObject({ hex: 'FFFFFFFFFF' })
    expect(decimal3x5.read('25565535')).toMatchObject({ hex: 'FFFFFF' })
    expect(decimal5x5.read('6553565535')).toMatchObject({ hex: 'FFFFFFFF' })
  })
})

test('every number is written and read again', () => {
  const written = (value: bigint, digits: number): string => String(value).padStart(digits, '0')
  const hex = (value: bigint, bytes: number): string =>
    value
      .toString(16)
      .toUpperCase()
      .padStart(bytes * 2, '0')
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 40n - 1n), (value) => {
      const four = value & 0xffffffffn
      const three = value & 0xffffffn
      const low = value & 0xffffn
      expect(decimal13.read(written(value, 13))).toMatchObject({ hex: hex(value, 5) })
      expect(decimal10.read(written(four, 10))).toMatchObject({ hex: hex(four, 4) })
      expect(decimal8.read(written(three, 8))).toMatchObject({ hex: hex(three, 3) })
      expect(decimal3x5.read(`${written(three >> 16n, 3)},${written(low, 5)}`)).toMatchObject({
        hex: hex(three, 3),
      })
      expect(decimal5x5.read(`${written(four >> 16n, 5)}${written(low, 5)}`)).toMatchObject({
        hex: hex(four, 4),
      })
    }),
  )
})
