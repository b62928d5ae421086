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

test('numbers are read alike wherever they stand and whatever stands around them', () => {
  const literal = fc.oneof(
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
    fc.integer().map(String),
    fc.stringMatching(/^-?(0|[1-9]\d{0,17})(\.\d{1,3})?([eE][+-]?\d{1,2})?$/),
  )
  const blank = fc.stringMatching(/^[ \n\t]{0,2}$/)
  const nested = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      literal,
      fc.string().map((text) => JSON.stringify(text)),
      fc
        .array(fc.tuple(blank, tie('value'), blank), { maxLength: 3 })
        .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
      fc.array(fc.tuple(blank, fc.string(), blank, blank, tie('value')), { maxLength: 3 }).map((fields) => {
        const text = fields.map(([a, key, b, c, value]) => `${a}${JSON.stringify(key)}${b}:${c}${value}`)
        return `{${text.join(',')}}`
      }),
    ),
  })).value
  const exact = (text: string): unknown =>
    JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
      if (typeof value !== 'number') return value
      const source = context?.source ?? ''
      if (/[.eE]/.test(source)) return new FloatLiteral(value)
      return Number.isSafeInteger(value) ? value : BigInt(source)
    })
  fc.assert(
    fc.property(nested, (text) => {
      expect(parseWireJson(text)).toEqual(exact(text))
    }),
    { numRuns: 2_000 },
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
