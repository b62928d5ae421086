import { expect, test } from 'vitest'
import { codeLength, idOfCode, receiptCode } from './receipt-code.ts'

test('a code is six letters and leads back to the start of its id', () => {
  const id = '0123ef89-abcd-4000-8000-000000000000'
  expect(receiptCode(id)).toBe('GHJKYZ')
  expect(receiptCode(id)).toHaveLength(codeLength)
  expect(idOfCode('GHJKYZ')).toBe('0123ef')
  expect(idOfCode('ghjkyz')).toBe('0123ef')
})

test('no start of an id is taken for a code', () => {
  for (const start of ['0123ef', 'ABCDEF', 'deadbeef-0000']) expect(idOfCode(start)).toBe(start.toLowerCase())
})
