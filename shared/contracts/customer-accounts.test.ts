import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { parseWireJson } from '../wire-json.ts'
import {
  birthComplaint,
  createAnswer,
  createRequest,
  errorAnswer,
  fieldErrorAnswer,
  loginAnswer,
  loginRequest,
  plainAnswer,
  registerRequest,
  verifyRequest,
} from './customer-accounts.ts'

const required = {
  numero_documento: '12345678',
  nombres: 'Juan Pérez',
  fecha_nacimiento: '1990-05-15',
  email: 'juan.perez@example.com',
  password: 'securePassword123',
  id_lista_precio: 1,
  id_distrito: 150101,
  tipo_cliente: 'Natural',
  tipo_pago: 'Contado',
  incluye_igv: 1,
}
type Field = keyof z.output<typeof createRequest>
const requiredFields = Object.keys(required) as Field[]
const charges = [
  'extra_domicilio_a_domicilio',
  'extra_domicilio_a_agencia',
  'extra_agencia_a_domicilio',
] as const

function complaints(contract: z.ZodObject, input: unknown): [string, string][] {
  const { error } = contract.safeParse(input)
  return error?.issues.map(({ path, message }): [string, string] => [String(path[0]), message]) ?? []
}

/** What one field of step 3 becomes, or its complaints. */
function outcome(field: Field, value: unknown): unknown {
  const parsed = createRequest.safeParse({ ...required, [field]: value })
  return parsed.success ? parsed.data[field] : parsed.error.issues.map(({ message }) => message)
}

const says = (field: string, text: string) => [`El campo ${field} ${text}`]

describe('fields that must be there', () => {
  test('are missed in the documented order', () => {
    const missed = (fields: string[]) => fields.map((field) => [field, `El campo ${field} es obligatorio.`])
    expect(complaints(registerRequest, {})).toEqual(missed(['nombres', 'email']))
    expect(complaints(verifyRequest, {})).toEqual(missed(['email', 'codigo']))
    expect(complaints(createRequest, {})).toEqual(missed(requiredFields))
    expect(complaints(loginRequest, {})).toEqual(missed(['email', 'password']))
  })

  test.for([undefined, null, ''])('%j is absence', (value) => {
    for (const field of requiredFields) expect(outcome(field, value)).toEqual(says(field, 'es obligatorio.'))
  })

  test('a blank text is absence, but a blank password is one', () => {
    expect(outcome('nombres', ' \t ')).toEqual(says('nombres', 'es obligatorio.'))
    expect(outcome('password', ' '.repeat(8))).toBe(' '.repeat(8))
  })

  test('0 is no absence', () => {
    expect(outcome('incluye_igv', 0)).toBe(0)
  })
})

test('fields that may be missing have values all the same', () => {
  const optional = {
    celular: null,
    extra_domicilio_a_domicilio: 0,
    extra_domicilio_a_agencia: 0,
    extra_agencia_a_domicilio: 0,
    id_tipo_detraccion: null,
    direcciones: '[]',
  }
  expect(createRequest.parse(required)).toMatchObject(optional)
  const nulls = Object.fromEntries(Object.keys(optional).map((field) => [field, null]))
  expect(createRequest.parse({ ...required, ...nulls })).toMatchObject(optional)
  expect(outcome('celular', ' ')).toBeNull()
})

test('unknown fields are ignored', () => {
  expect(Object.keys(createRequest.parse({ ...required, rol: 'admin' }))).not.toContain('rol')
})

describe('texts', () => {
  const lengths: [Field, number][] = [
    ['nombres', 255],
    ['numero_documento', 20],
    ['celular', 30],
    ['tipo_cliente', 50],
    ['tipo_pago', 50],
  ]

  test.for(lengths)('%s is trimmed, of one line, and up to %i characters long', ([field, max]) => {
    expect(outcome(field, '  Ana María ')).toBe('Ana María')
    expect(outcome(field, '𝟙'.repeat(max))).toBe('𝟙'.repeat(max))
    expect(outcome(field, '𝟙'.repeat(max + 1))).toEqual(
      says(field, `no debe tener más de ${String(max)} caracteres.`),
    )
    for (const value of ['a\0b', '\ud800', 'x\udc00y', 'a\nb', 'a\u0085b']) {
      expect(outcome(field, value)).toEqual(says(field, 'contiene caracteres no permitidos.'))
    }
    for (const value of [1, true, ['a'], { a: 1 }, 10n ** 20n]) {
      expect(outcome(field, value)).toEqual(says(field, 'debe ser un texto.'))
    }
  })

  test('a document number has a letter or digit', () => {
    expect(outcome('numero_documento', 'A-123.456')).toBe('A-123.456')
    expect(outcome('numero_documento', '-- --')).toEqual(
      says('numero_documento', 'debe contener letras o dígitos.'),
    )
  })

  test.for<[Field, string, string]>([
    ['tipo_cliente', 'natural', 'Natural'],
    ['tipo_cliente', 'JURIDICA', 'Jurídica'],
    ['tipo_cliente', 'juri\u0301dica', 'Jurídica'],
    ['tipo_cliente', 'Cooperativa', 'Cooperativa'],
    ['tipo_cliente', 'Contado', 'Contado'],
    ['tipo_cliente', 'credito', 'credito'],
    ['tipo_pago', 'CONTADO', 'Contado'],
    ['tipo_pago', 'credito', 'Crédito'],
    ['tipo_pago', 'Crédito a 30 días', 'Crédito a 30 días'],
  ])('%s %s is kept as %s', ([field, value, kept]) => {
    expect(outcome(field, value)).toBe(kept)
  })
})

describe('passwords', () => {
  test('have 8 to 128 characters, however many bytes', () => {
    for (const value of ['12345678', 'ñ'.repeat(8), '𝟙'.repeat(128), ' with spaces ']) {
      expect(outcome('password', value)).toBe(value)
    }
    expect(outcome('password', '𝟙'.repeat(7))).toEqual(says('password', 'debe tener al menos 8 caracteres.'))
    expect(outcome('password', 'x'.repeat(129))).toEqual(
      says('password', 'no debe tener más de 128 caracteres.'),
    )
    expect(outcome('password', '12345678\0')).toEqual(says('password', 'contiene caracteres no permitidos.'))
  })

  test('are only compared at a login, whatever their length', () => {
    const login = { email: 'a@b.pe', password: 'x' }
    expect(loginRequest.parse(login)).toEqual(login)
    expect(complaints(loginRequest, { ...login, password: 'x'.repeat(129) })).toHaveLength(1)
  })
})

describe('addresses of e-mail', () => {
  test.for<[string, string]>([
    ['a@b.pe', 'a@b.pe'],
    [' Juan.PEREZ@Example.COM\t', 'juan.perez@example.com'],
    ['nin\u0303o@correo.pe', 'niño@correo.pe'],
    ["o'hara+tag@mail.example.co", "o'hara+tag@mail.example.co"],
    [`${'x'.repeat(64)}@b.pe`, `${'x'.repeat(64)}@b.pe`],
  ])('%j is %s', ([value, folded]) => {
    expect(outcome('email', value)).toBe(folded)
  })

  test.for([
    'a',
    'a@b',
    '@b.pe',
    'a@',
    'a@@b.pe',
    'a b@c.pe',
    'a@b..pe',
    '.a@b.pe',
    'a.@b.pe',
    'a@-b.pe',
    'a@b-.pe',
    'a@1.2.3.4',
    'a@[1.2.3.4]',
    '"a b"@c.pe',
    'a@b.pe, c@d.pe',
    'a@b.pe;c@d.pe',
    'Juan <a@b.pe>',
    'a@b.pe\r\nBcc: c@d.pe',
    'a(x)@b.pe',
    `${'x'.repeat(65)}@b.pe`,
  ])('%j is none', (value) => {
    expect(outcome('email', value)).toEqual(
      says('email', 'debe ser una dirección de correo electrónico válida.'),
    )
  })

  test('have up to 254 characters', () => {
    const long = (length: number) =>
      `a@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(length - 185)}`
    expect(outcome('email', long(247))).toBe(long(247))
    expect(outcome('email', 'x'.repeat(255))).toEqual(says('email', 'no debe tener más de 254 caracteres.'))
  })

  test('whatever passes is one address in one form', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.emailAddress()), (value) => {
        const found = outcome('email', value)
        if (typeof found !== 'string') return
        expect(found).not.toMatch(/[\s,;:<>()[\]"\\\p{Cc}]/u)
        expect(outcome('email', found)).toBe(found)
      }),
    )
  })
})

describe('codes', () => {
  test.for<[unknown, string]>([
    ['123456', '123456'],
    ['012345', '012345'],
    [' 123 456 ', '123456'],
  ])('%j passes', ([value, code]) => {
    expect(verifyRequest.parse({ email: 'a@b.pe', codigo: value }).codigo).toBe(code)
  })

  test.for(['12345', '1234567', '12345a', '１２３４５６', '-12345'])('%j fails', (value) => {
    expect(complaints(verifyRequest, { email: 'a@b.pe', codigo: value })).toEqual([
      ['codigo', 'El campo codigo debe tener 6 dígitos.'],
    ])
  })

  test('a number is no text', () => {
    expect(complaints(verifyRequest, { email: 'a@b.pe', codigo: 123456 })).toEqual([
      ['codigo', 'El campo codigo debe ser un texto.'],
    ])
  })
})

describe('birth dates', () => {
  test.for(['1990-05-15', '2024-02-29', '2000-02-29', '1900-01-01'])('%s is a day', (value) => {
    expect(outcome('fecha_nacimiento', value)).toBe(value)
  })

  test.for([
    '2026-02-30',
    '2023-02-29',
    '1900-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-01-00',
    '1899-12-31',
    '15/05/1990',
    '1990-5-15',
    '1990-05-15T00:00:00Z',
    'tomorrow',
  ])('%s is none', (value) => {
    expect(outcome('fecha_nacimiento', value)).toEqual(
      says('fecha_nacimiento', 'debe ser una fecha válida con el formato AAAA-MM-DD.'),
    )
  })

  test('lie before today', () => {
    expect(birthComplaint('2026-02-28', '2026-03-01')).toBeUndefined()
    expect(birthComplaint('2026-03-01', '2026-03-01')).toBe(
      'El campo fecha_nacimiento debe ser una fecha anterior a hoy.',
    )
  })
})

describe('numbers', () => {
  const wire = (field: Field, json: string) => outcome(field, parseWireJson(json))

  test('are JSON’s integers', () => {
    for (const field of ['id_lista_precio', 'id_tipo_detraccion', ...charges] as const) {
      expect(wire(field, '7')).toBe(7)
      expect(wire(field, '7.0')).toBe(7)
      expect(wire(field, '9007199254740991')).toBe(Number.MAX_SAFE_INTEGER)
      for (const json of ['"7"', '7.5', '1e999', 'true', '[7]']) {
        expect(wire(field, json)).toEqual(says(field, 'debe ser un número entero.'))
      }
    }
  })

  test.for<[Field, number]>([
    ['id_lista_precio', 1],
    ['id_tipo_detraccion', 1],
    ...charges.map((field): [Field, number] => [field, 0]),
  ])('%s begins at %i and ends where numbers are no longer exact', ([field, min]) => {
    expect(wire(field, String(min))).toBe(min)
    for (const json of [String(min - 1), '9007199254740992', '9223372036854775808', '-1e30']) {
      expect(wire(field, json)).toEqual(says(field, `debe estar entre ${String(min)} y 9007199254740991.`))
    }
  })

  test('a district gets its leading zero back', () => {
    expect(outcome('id_distrito', 150101)).toBe('150101')
    expect(outcome('id_distrito', 10101)).toBe('010101')
    expect(outcome('id_distrito', 259999)).toBe('259999')
    for (const value of [10100, 260000, 0, -150101]) {
      expect(outcome('id_distrito', value)).toEqual(says('id_distrito', 'debe estar entre 10101 y 259999.'))
    }
  })

  test('incluye_igv is 0 or 1', () => {
    expect(outcome('incluye_igv', 1)).toBe(1)
    for (const value of [2, -1, true, false, '1', 0.5]) {
      expect(outcome('incluye_igv', value)).toEqual(says('incluye_igv', 'debe ser 0 o 1.'))
    }
  })
})

describe('direcciones', () => {
  const wire = (json: string) => outcome('direcciones', parseWireJson(json))
  const notSmall = says('direcciones', 'debe tener solo objetos de hasta 2000 caracteres.')

  test('are kept as they came, with every number', () => {
    const json =
      '[{"calle":"Av. Sol 1","piso":null,"gps":[-12.0464,-77.5],"ref":9223372036854775807,"a":{"b":true}},{}]'
    expect(wire(json)).toBe(json)
  })

  test('are a list of up to 20', () => {
    expect(wire(`[${Array(20).fill('{}').join(',')}]`)).toBe(`[${Array(20).fill('{}').join(',')}]`)
    expect(wire(`[${Array(21).fill('{}').join(',')}]`)).toEqual(
      says('direcciones', 'no debe tener más de 20 elementos.'),
    )
    for (const json of ['{}', '"Av. Sol 1"', '1', '1.5', 'true']) {
      expect(wire(json)).toEqual(says('direcciones', 'debe ser una lista.'))
    }
  })

  test.for([
    '["Av. Sol 1"]',
    '[null]',
    '[[]]',
    '[1.5]',
    '[{},1]',
    `[{"a":"${'x'.repeat(1993)}"}]`,
    '[{"a":"x\\u0000"}]',
    '[{"a\\u0000":1}]',
    '[{"a":"\\ud800"}]',
    '[{"a":1e999}]',
    '[{"a":9223372036854775808}]',
    '[{"a":[[[[[[[[1]]]]]]]]}]',
  ])('%s has an element that is no small object', (json) => {
    expect(wire(json)).toEqual(notSmall)
  })

  test('2,000 characters are small, and so are eight levels', () => {
    const long = `[{"a":"${'x'.repeat(1992)}"}]`
    expect(wire(long)).toBe(long)
    const deep = '[{"a":[[[[[[[1]]]]]]]}]'
    expect(wire(deep)).toBe(deep)
  })
})

test('nothing that JSON can say makes a contract throw', () => {
  for (const contract of [registerRequest, verifyRequest, createRequest, loginRequest]) {
    const fields = Object.keys(contract.shape)
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...fields), fc.jsonValue()), (input) => {
        const parsed = contract.safeParse(parseWireJson(JSON.stringify(input)))
        if (!parsed.success) {
          expect(parsed.error.issues.every(({ message }) => message.startsWith('El campo '))).toBe(true)
        }
      }),
    )
  }
})

test('answers have exactly the documented fields', () => {
  expect(Object.keys(plainAnswer.shape)).toEqual(['message', 'status'])
  expect(Object.keys(createAnswer.shape)).toEqual(['message', 'status', 'data'])
  expect(Object.keys(createAnswer.shape.data.shape)).toEqual(['id', 'nombres', 'email'])
  expect(Object.keys(loginAnswer.shape.data.shape)).toEqual(['id', 'nombres', 'email', 'token'])
  expect(Object.keys(errorAnswer.shape)).toEqual(['message', 'status'])
  expect(Object.keys(fieldErrorAnswer.shape)).toEqual(['message', 'status', 'errors'])
})
