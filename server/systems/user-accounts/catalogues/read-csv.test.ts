import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../../../shared/errors.ts'
import { readCsv } from './read-csv.ts'
import { writeCsv } from './write-csv.ts'

const departments = (text: string | Buffer) => readCsv('departments', Buffer.from(text))
const roles = (text: string) => readCsv('roles', Buffer.from(text))

/** The complaints about a file, a line each. */
function complaints(read: () => unknown): string[] {
  try {
    read()
  } catch (error) {
    if (error instanceof AppError && error.code === 'catalog-invalid')
      return error.message.split('\n  ').slice(1)
    throw error
  }
  return []
}

const two = [
  { id: 1, name: 'Guatemala', active: true },
  { id: 2, name: 'El Progreso', active: true },
]

test.for<[string, string]>([
  ['commas', 'id,name\n1,Guatemala\n2,El Progreso\n'],
  ['semicolons', 'id;name\n1;Guatemala\n2;El Progreso\n'],
  ['a byte order mark', '\ufeffid,name\n1,Guatemala\n2,El Progreso'],
  ['lines as Windows ends them', 'id,name\r\n1,Guatemala\r\n2,El Progreso\r\n'],
  ['columns in another order and case', 'Name,ID\nGuatemala,1\nEl Progreso,2\n'],
  ['spaces and quotes', ' id , name \n "1" , "Guatemala" \n2,  El Progreso  \n'],
  ['blank lines and those a spreadsheet leaves', '\nid,name\n\n1,Guatemala\n,\n2,El Progreso\n,\n'],
  ['ids with zeros in front', 'id,name\n01,Guatemala\n0002,El Progreso\n'],
  ['the column active', 'id,name,active\n1,Guatemala,true\n2,El Progreso,1\n'],
])('a file with %s', ([, text]) => {
  expect(departments(text)).toEqual(two)
})

test('quoted names may hold what separates, and quotes', () => {
  expect(departments('id,name\n1,"Guatemala, ""la"" ciudad; sí"\n')).toEqual([
    { id: 1, name: 'Guatemala, "la" ciudad; sí', active: true },
  ])
  expect(departments('id;name\n1;Guatemala, C. A.\n')).toMatchObject([{ name: 'Guatemala, C. A.' }])
})

test.for([
  ['true', true],
  ['TRUE', true],
  ['yes', true],
  ['sí', true],
  ['SI', true],
  ['Verdadero', true],
  ['1', true],
  ['false', false],
  ['No', false],
  ['FALSO', false],
  ['0', false],
] as const)('%s is %s', ([text, active]) => {
  expect(departments(`id,name,active\n1,A,yes\n2,B,${text}\n`)[1]?.active).toBe(active)
})

test('roles have two columns more', () => {
  const text = 'id,name,privileged,default,active\n1,Invitado,no,yes,yes\n4,Administrador,yes,no,no\n'
  expect(roles(text)).toEqual([
    { id: 1, name: 'Invitado', active: true, privileged: false, default: true },
    { id: 4, name: 'Administrador', active: false, privileged: true, default: false },
  ])
})

describe('what is wrong is told with its line', () => {
  test.for<[string, string, string[]]>([
    ['nothing', '', ['line 1: the header lacks id, name']],
    [
      'no header',
      '1,Guatemala\n',
      ['line 1: the header lacks id, name', 'line 1: the header has unknown columns: 1, guatemala'],
    ],
    ['a header alone', 'id,name\n', ['no line has an active entry']],
    ['an unknown column', 'id,name,colour\n1,A,red\n', ['line 1: the header has unknown columns: colour']],
    ['a column twice', 'id,name,id\n1,A,1\n', ['line 1: the header has columns twice: id']],
    ['too few values', 'id,name\n1\n2,B\n', ['line 2: has 1 values, the header 2']],
    ['too many values', 'id,name\n1,A\n2,B,C\n', ['line 3: has 3 values, the header 2']],
    [
      'an id that is none',
      'id,name\nx,A\n1.0,B\n-1,C\n2147483648,D\n,E\n0,F\n',
      [2, 3, 4, 5, 6, 7].map(
        (line) => `line ${String(line)}: id must be a whole number from 1 to 2147483647`,
      ),
    ],
    ['an id twice', 'id,name\n1,A\n2,B\n01,C\n', ['line 4: id 1 stands in line 2 too']],
    [
      'names that are none',
      `id,name\n1,\n2,"a\nb"\n3,${'x'.repeat(101)}\n`,
      [2, 4, 5].map((line) => `line ${String(line)}: name must be 1 to 100 characters on one line`),
    ],
    [
      'a truth that is none',
      'id,name,active\n1,A,maybe\n2,B,\n',
      ['line 2: active must be true or false', 'line 3: active must be true or false'],
    ],
    ['nothing that is active', 'id,name,active\n1,A,no\n', ['no line has an active entry']],
    [
      'everything at once',
      'id,name,active\nx,,perhaps\n1,A,yes\n1,B,yes\n',
      [
        'line 2: id must be a whole number from 1 to 2147483647',
        'line 2: name must be 1 to 100 characters on one line',
        'line 2: active must be true or false',
        'line 4: id 1 stands in line 3 too',
      ],
    ],
    ['an open quote', 'id,name\n1,A\n2,"B\n3,C\n', ['line 4: a quote opened here or before is not closed']],
    [
      'a quote within a value',
      'id,name\n1,A"B\n',
      ['line 2: quotes must enclose a whole value, and be doubled within it'],
    ],
  ])('%s', ([, text, expected]) => {
    expect(complaints(() => departments(text))).toEqual(expected)
  })

  test.for<[string, string, string[]]>([
    ['no columns for them', 'id,name\n1,A\n', ['line 1: the header lacks privileged, default']],
    [
      'no default',
      'id,name,privileged,default\n1,A,no,no\n',
      ['exactly one role must be the default, not 0'],
    ],
    [
      'two defaults',
      'id,name,privileged,default\n1,A,no,yes\n2,B,no,yes\n',
      ['exactly one role must be the default, not 2'],
    ],
    [
      'a privileged default',
      'id,name,privileged,default\n1,A,yes,yes\n',
      ['line 2: the default role must not be privileged'],
    ],
    [
      'an inactive default',
      'id,name,privileged,default,active\n1,A,no,yes,no\n',
      ['line 2: the default role must be active'],
    ],
  ])('of roles: %s', ([, text, expected]) => {
    expect(complaints(() => roles(text))).toEqual(expected)
  })

  test('bytes that are not UTF-8', () => {
    expect(() => departments(Buffer.from('id,name\n3,Sacatep\xe9quez\n', 'latin1'))).toThrow(
      expect.objectContaining({ code: 'catalog-unreadable' }) as Error,
    )
  })
})

test('what is written is read back', () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 50 })
    .map((text) => text.trim())
    .filter(
      (text) => text !== '' && text.isWellFormed() && !/\p{Cc}/u.test(text) && Array.from(text).length <= 100,
    )
  const entries = fc
    .uniqueArray(fc.record({ id: fc.integer({ min: 1, max: 2 ** 31 - 1 }), name, active: fc.boolean() }), {
      selector: ({ id }) => id,
      minLength: 1,
    })
    .filter((list) => list.some(({ active }) => active))
  fc.assert(
    fc.property(entries, (list) => {
      expect(departments(writeCsv(list).join('\n'))).toEqual(list)
    }),
  )
})

test('no bytes make it fail in another way', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
    fc.string({ unit: 'binary', maxLength: 300 }).map((text) => Buffer.from(`id,name\n${text}`)),
    fc.stringMatching(/^[id,name;"\n\r 0-9]{0,60}$/).map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(bytes, (some) => {
      try {
        readCsv('departments', some)
      } catch (error) {
        expect(error).toBeInstanceOf(AppError)
      }
    }),
    { numRuns: 300 },
  )
})
