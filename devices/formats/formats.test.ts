import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatNames, formatOf, formats } from './formats.ts'

test('the formats that are documented are there, hex first', () => {
  expect(formatNames.slice(0, 2)).toEqual(['hex', 'decimal-10'])
  expect(formatNames).toHaveLength(new Set(Object.values(formats)).size)
})

const text = fc.oneof(
  fc.string(),
  fc.stringMatching(/^[0-9]{0,24}$/),
  fc.stringMatching(/^[0-9A-Fa-f :-]{0,24}$/),
  fc.stringMatching(/^[01]{26}$|^[01]{34}$|^[01]{37}$/),
  fc.stringMatching(/^\d{3}[, ]?\d{5}$|^\d{5},?\d{5}$/),
)

test.each(formatNames)(
  '%s makes whole upper-case bytes or a code of any text, and as many as it says',
  (name) => {
    const format = formatOf(name)
    expect(format.meaning.length).toBeGreaterThan(10)
    fc.assert(
      fc.property(text, fc.option(fc.integer({ min: 1, max: 64 }), { nil: undefined }), (payload, bits) => {
        const number = format.read(payload, bits)
        if ('code' in number) {
          expect(number.code).toMatch(/^uid-/)
          return
        }
        expect(number.hex).toMatch(/^([0-9A-F]{2})+$/)
        if (format.uidBytes === undefined) return
        const bytes = number.hex.length / 2
        expect(number.isTruncated ? Math.max(4, bytes) : bytes).toBe(format.uidBytes)
      }),
      { numRuns: 300 },
    )
  },
)

test.each(formatNames)('%s says the same whatever the case of its letters', (name) => {
  fc.assert(
    fc.property(text, (payload) => {
      fc.pre(/^[ -~]*$/.test(payload))
      expect(formatOf(name).read(payload.toLowerCase())).toEqual(formatOf(name).read(payload.toUpperCase()))
    }),
  )
})
