import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FloatLiteral, parseWireJson } from './wire-json.ts'

test.for<[string, unknown]>([
  ['1', 1],
  ['-0', -0],
  ['9007199254740991', 9007199254740991],
  ['9007199254740992', 9007199254740992n],
  ['9007199254740993', 9007199254740993n],
  ['-9223372036854775808', -9223372036854775808n],
  ['18446744073709551616', 18446744073709551616n],
  ['1.0', new FloatLiteral(1)],
  ['1e2', new FloatLiteral(100)],
  ['1E2', new FloatLiteral(100)],
  ['-2.50', new FloatLiteral(-2.5)],
  ['1e999', new FloatLiteral(Infinity)],
  ['"1.0"', '1.0'],
  ['true', true],
  ['null', null],
  ['[1, 1.0, [12345678901234567890]]', [1, new FloatLiteral(1), [12345678901234567890n]]],
  ['{"a": {"b": 1.5}}', { a: { b: new FloatLiteral(1.5) } }],
])('%s is read without loss', ([text, value]) => {
  expect(parseWireJson(text)).toEqual(value)
})

test.for([
  '',
  ' ',
  '{',
  '{"a":1,}',
  "{'a':1}",
  'undefined',
  'NaN',
  '01',
  '+1',
  '.5',
  '1.',
  '[1 2]',
  '\uFEFF{}',
])('%j is no JSON', (text) => {
  expect(parseWireJson(text)).toBeUndefined()
})

test('nesting deeper than the stack is no JSON, not a crash', () => {
  expect(parseWireJson('['.repeat(1_000_000))).toBeUndefined()
  const deep = 60_000
  const value = parseWireJson('['.repeat(deep) + ']'.repeat(deep))
  expect(value === undefined || Array.isArray(value)).toBe(true)
})

test('a key named __proto__ is a key like any other', () => {
  const value = parseWireJson('{"__proto__": {"admin": true}}') as object
  expect(Object.keys(value)).toEqual(['__proto__'])
  expect('admin' in value).toBe(false)
})

test('every integer keeps its digits', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }), (value) => {
      expect(String(parseWireJson(value.toString()))).toBe(value.toString())
    }),
  )
})

test('JSON without numbers is what JSON.parse makes of it', () => {
  const plain = fc
    .jsonValue()
    .map((value) =>
      JSON.stringify(value, (_key, part: unknown) => (typeof part === 'number' ? String(part) : part)),
    )
  fc.assert(
    fc.property(plain, (text) => {
      expect(parseWireJson(text)).toEqual(JSON.parse(text))
    }),
  )
})
