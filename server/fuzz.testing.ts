import fc from 'fast-check'

/** Values of a field that have broken programs before, further ones, and any JSON there is. */
export function nasty(values: unknown[], ...further: fc.Arbitrary<unknown>[]): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.constantFrom<unknown>(...everywhere, ...values),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: 'grapheme', maxLength: 70 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
    fc.integer(),
    fc.jsonValue(),
    ...further,
  )
}

const everywhere = [
  '\0',
  'a\0b',
  '\ud800',
  '\udc00x',
  '\u202e',
  '𝟙𝟚𝟛𝟜𝟝𝟞',
  '1e3',
  '0x1',
  '٣',
  '"',
  '\\',
  "'; drop table clients; --",
  '<script>alert(1)</script>',
  '__proto__',
  'a@b',
  'a@b.pe',
  '2026-02-30',
  [],
  {},
  [[]],
  [{}],
  { length: 1 },
  true,
  false,
  null,
  -0,
  1e21,
  1e308,
  2 ** 31,
  -(2 ** 31),
  Number.MAX_SAFE_INTEGER,
]

/** JSON text in which bigints stand as the long integers they are. */
export function exactJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? JSON.rawJSON(part.toString()) : part,
  )
}

export const anyContentType = fc.oneof(
  fc.constantFrom(
    'application/json',
    'application/json; charset=utf-16',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    '*/*',
    'json',
    ';',
    '+json',
  ),
  fc.stringMatching(/^[!-~]{1,30}$/),
)

/** Bodies that are no objects, too deep, too long, or a number without end in `field`. */
export function anyBytes(field: string): fc.Arbitrary<Buffer> {
  return fc.oneof(
    fc.uint8Array({ maxLength: 2_000 }).map((array) => Buffer.from(array)),
    fc.json().map((text) => Buffer.from(text)),
    fc.constantFrom(60_000, 65_536).map((depth) => Buffer.from('['.repeat(depth))),
    fc.constant(Buffer.from(`{"${field}":${'9'.repeat(60_000)}}`)),
    fc.constant(Buffer.alloc(1_000_000, '{"a":')),
  )
}

/** What HTTP lets a header hold. */
export const anyHeader = fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,300}$/)
