import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseWireJson } from '../wire-json.ts'
import { registrationAnswer, registrationRequest, type RegistrationField } from './vlt-clients.ts'

const valid = {
  codigoClienteVLT: 70,
  correo: 'cliente70@gmail.com',
  tarjeta: 'A0C2BBCA',
  enviarWhatsApp: true,
  enviarCorreo: true,
  enviarSms: true,
}
const required = Object.keys(valid) as RegistrationField[]
const optional: RegistrationField[] = [
  'tipoDocumento',
  'dni',
  'nombre',
  'apellidoPaterno',
  'apellidoMaterno',
  'fechaNacimiento',
  'direccion',
  'telefono',
  'ubigeo',
  'sexo',
]
const texts: RegistrationField[] = [
  'nombre',
  'apellidoPaterno',
  'apellidoMaterno',
  'direccion',
  'telefono',
  'ubigeo',
]

function complaints(input: unknown): [string, string][] {
  const { error } = registrationRequest.safeParse(input)
  return error?.issues.map(({ path, message }): [string, string] => [String(path[0]), message]) ?? []
}

/** What one field becomes, or its complaints. */
function outcome(field: RegistrationField, value: unknown): unknown {
  const parsed = registrationRequest.safeParse({ ...valid, [field]: value })
  return parsed.success ? parsed.data[field] : parsed.error.issues.map(({ message }) => message)
}

describe('required fields', () => {
  test('all six are missed in the documented order', () => {
    expect(complaints({})).toEqual(required.map((field) => [field, `The ${field} field is required.`]))
  })

  test.for([undefined, null, '', '  ', '\t\n', [], {}])('%j is absence', (value) => {
    for (const field of required) {
      expect(outcome(field, value)).toEqual([`The ${field} field is required.`])
    }
  })

  test('false and 0 are no absence', () => {
    expect(outcome('enviarSms', false)).toBe(false)
    expect(outcome('codigoClienteVLT', 0)).toBe('0')
  })
})

describe('optional fields', () => {
  test.for([undefined, null, '', ' '])('%j leaves the field out', (value) => {
    for (const field of optional) expect(outcome(field, value)).toBeUndefined()
  })

  test('complaints come after those of the required fields, in the documented order', () => {
    const wrong = Object.fromEntries([...optional, ...required].map((field) => [field, { a: 1 }]))
    const order = [...new Set(complaints(wrong).map(([field]) => field))]
    expect(order).toEqual([...required, ...optional])
  })
})

describe('integers are those of PHP’s FILTER_VALIDATE_INT', () => {
  test.for<[string, string]>([
    ['70', '70'],
    ['-1', '-1'],
    ['0', '0'],
    ['-0', '0'],
    ['70.0', '70'],
    ['-0.0', '0'],
    ['7e1', '70'],
    ['true', '1'],
    ['"70"', '70'],
    ['"+5"', '5'],
    ['"-5"', '-5'],
    ['" 70 "', '70'],
    ['"0"', '0'],
    ['"-0"', '0'],
    ['9007199254740993', '9007199254740993'],
    ['9223372036854775807', '9223372036854775807'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['"9223372036854775807"', '9223372036854775807'],
  ])('%s is %s', ([json, expected]) => {
    expect(outcome('codigoClienteVLT', parseWireJson(json))).toBe(expected)
    expect(outcome('sexo', parseWireJson(json))).toBe(expected)
  })

  test.for([
    '"01"',
    '"1.0"',
    '"0x1"',
    '"1e3"',
    '"1 2"',
    '"+ 5"',
    '"--5"',
    '"٣"',
    '"abc"',
    'false',
    '1.5',
    '1e20',
    '1e999',
    '9223372036854775808',
    '-9223372036854775809',
    '"9223372036854775808"',
    '"99999999999999999999999"',
    '[1]',
    '{"a":1}',
  ])('%s is none', (json) => {
    expect(outcome('codigoClienteVLT', parseWireJson(json))).toEqual([
      'The codigoClienteVLT field must be an integer.',
    ])
  })

  test('every integer of 64 bits keeps its digits, as a number and as text', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(outcome('codigoClienteVLT', parseWireJson(value.toString()))).toBe(value.toString())
        expect(outcome('codigoClienteVLT', value.toString())).toBe(value.toString())
      }),
    )
  })
})

describe('booleans are Laravel’s', () => {
  test.for<[unknown, boolean]>([
    [true, true],
    [1, true],
    ['1', true],
    [' 1 ', true],
    [false, false],
    [0, false],
    ['0', false],
  ])('%j is %s', ([value, expected]) => {
    expect(outcome('enviarCorreo', value)).toBe(expected)
  })

  test.for([
    '"true"',
    '"false"',
    '"yes"',
    '"on"',
    '2',
    '-1',
    '1.0',
    '0.0',
    '12345678901234567890',
    '[true]',
    '{"a":1}',
  ])('%s is none', (json) => {
    expect(outcome('enviarCorreo', parseWireJson(json))).toEqual([
      'The enviarCorreo field must be true or false.',
    ])
  })
})

describe('e-mail addresses', () => {
  test.for([
    'a@b',
    'cliente70@gmail.com',
    'first.last+tag@sub.example.pe',
    "o'neill@example.com",
    'ñandú@correo.pe',
    'x@dominio-ñ.pe',
    '"two words"@example.com',
    'x@[192.0.2.1]',
    `${'a'.repeat(64)}@example.com`,
  ])('%s passes', (value) => {
    expect(outcome('correo', value)).toBe(value)
  })

  test.for([
    'plain',
    '@b',
    'a@',
    'a@b@c',
    'a b@c.pe',
    'a..b@c.pe',
    '.a@c.pe',
    'a.@c.pe',
    'a@-b.pe',
    'a@b..pe',
    'a@b.pe\r\nBcc: x@y.pe',
    'a@b.pe, c@d.pe',
    'a@b.pe\u0000',
    `${'a'.repeat(65)}@example.com`,
  ])('%j fails', (value) => {
    const found = outcome('correo', value) as string[]
    expect(found[0]).toMatch(/^The correo field (must be a valid email address|format is invalid)\.$/)
  })

  test('an address is trimmed', () => {
    expect(outcome('correo', ' a@b.pe ')).toBe('a@b.pe')
  })
})

describe('dates', () => {
  test.for([
    '1995-04-23T13:47:04.200Z',
    '1995-04-23',
    '1995-04-23 13:47:04',
    '1995-04-23T13:47',
    '1995-04-23T13:47:04-05:00',
    '1995-04-23T23:59:59+0500',
    '2024-02-29',
    '2000-02-29',
    '0001-01-01',
  ])('%s passes and stays as written', (value) => {
    expect(outcome('fechaNacimiento', value)).toBe(value)
  })

  test.for([
    'tomorrow',
    '2026-02-30',
    '2023-02-29',
    '1900-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-01-00',
    '0000-01-01',
    '23/04/1995',
    '1995-4-23',
    '1995-04-23T24:00:00Z',
    '1995-04-23T13:60:00Z',
    '1995-04-23Z',
    19950423,
    true,
    ['1995-04-23'],
  ])('%j fails', (value) => {
    expect(outcome('fechaNacimiento', value)).toEqual(['The fechaNacimiento field must be a valid date.'])
  })

  test('every day of the calendar passes', () => {
    const days = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(days, (day) => {
        expect(outcome('fechaNacimiento', day.toISOString())).toBe(day.toISOString())
      }),
    )
  })
})

describe('texts', () => {
  test('are trimmed', () => {
    for (const field of texts) expect(outcome(field, '  Ana María ')).toBe('Ana María')
  })

  test('are counted in characters, not in UTF-16 units', () => {
    expect(outcome('dni', '𝟙'.repeat(20))).toBe('𝟙'.repeat(20))
    expect(outcome('dni', '𝟙'.repeat(21))).toEqual(['The dni field must not be greater than 20 characters.'])
    for (const field of texts) {
      expect(outcome(field, 'x'.repeat(255))).toBe('x'.repeat(255))
      expect(outcome(field, 'x'.repeat(256))).toEqual([
        `The ${field} field must not be greater than 255 characters.`,
      ])
    }
  })

  test.for(['1', 'true', '12345678901234567890', '1.5', '["a"]', '{"a":1}'])('%s is none', (json) => {
    for (const field of ['dni', ...texts] as const) {
      expect(outcome(field, parseWireJson(json))).toEqual([`The ${field} field must be a string.`])
    }
  })

  test('what a database refuses is refused before it', () => {
    for (const value of ['a\0b', '\ud800', 'x\udc00y']) {
      expect(outcome('nombre', value)).toEqual(['The nombre field format is invalid.'])
    }
  })

  test('whatever passes is well formed and within its length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (value) => {
        const found = outcome('nombre', value)
        if (typeof found !== 'string') return
        expect(found.isWellFormed() && !found.includes('\0') && Array.from(found).length <= 255).toBe(true)
      }),
    )
  })
})

describe('cards', () => {
  test.for(['A0C2BBCA', 'a0:c2:bb:ca', '04-A1-B2-C3-D4-E5-F6', '00112233445566778899'])(
    '%s passes',
    (value) => {
      expect(outcome('tarjeta', value)).toBe(value)
    },
  )

  test.for(['XYZ', 'A0C2BB', 'A0C2BBC', '0xA0C2BBCA', '::::'])('%s fails', (value) => {
    expect(outcome('tarjeta', value)).toEqual(['The tarjeta field format is invalid.'])
  })

  test('a number whose digits would be a card is only no text; another value is neither', () => {
    expect(outcome('tarjeta', 12345678)).toEqual(['The tarjeta field must be a string.'])
    expect(outcome('tarjeta', true)).toEqual([
      'The tarjeta field must be a string.',
      'The tarjeta field format is invalid.',
    ])
  })
})

test('nothing that JSON can say makes the contract throw', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...required, ...optional), fc.jsonValue()), (input) => {
      const parsed = registrationRequest.safeParse(input)
      if (!parsed.success) expect(parsed.error.issues.every(({ message }) => message !== '')).toBe(true)
    }),
  )
})

test('unknown fields are dropped', () => {
  expect(Object.keys(registrationRequest.parse({ ...valid, rol: 'admin' }))).not.toContain('rol')
})

test('the answer has exactly the four documented fields', () => {
  expect(Object.keys(registrationAnswer.shape)).toEqual(['id', 'tarjeta', 'mensaje', 'esDuplicado'])
})
