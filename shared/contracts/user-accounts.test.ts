import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseWireJson } from '../wire-json.ts'
import {
  meAnswer,
  parseRegistration,
  registrationAnswer,
  type RegistrationField,
  registrationFields,
  registrationRequest,
} from './user-accounts.ts'

const required = {
  usuarioLogin: 'johndoe',
  usuarioCorreo: 'john@example.com',
  usuarioPassword: 'securePass123',
  usuarioNombre: 'John',
  usuarioApellido: 'Doe',
  departamentoId: 5,
}
const whole = {
  ...required,
  usuarioFechaNacimiento: '2000-01-15T00:00:00Z',
  usuarioCelular: '12345678',
  usuarioDpi: '2571 23456 0101',
  usuarioTipoDocumento: 1,
  usuarioNit: '1234567-8',
  usuarioRolId: 2,
  poseeLicencia: true,
  licenciaTipo: 3,
  licenciaNumero: '2571234560101',
  licenciaPrimerAnio: 2018,
  licenciaFechaVencimiento: '2027-12-31',
}

/** What one field becomes, or its complaints. */
function outcome(field: RegistrationField, value: unknown): unknown {
  const parsed = parseRegistration({ ...whole, [field]: value })
  return parsed.success ? parsed.data[field] : parsed.error.issues.map(({ message }) => message)
}

const texts: [RegistrationField, string][] = [
  ['usuarioLogin', 'Username'],
  ['usuarioNombre', 'First name'],
  ['usuarioApellido', 'Last name'],
  ['usuarioCelular', 'Mobile phone'],
  ['usuarioDpi', 'DPI'],
  ['usuarioNit', 'NIT'],
  ['licenciaNumero', 'License number'],
]

test('a whole registration comes out as it went in, days without their time', () => {
  expect(parseRegistration(whole).data).toEqual({ ...whole, usuarioFechaNacimiento: '2000-01-15' })
  expect(parseRegistration(required).data).toEqual(required)
})

test('the fields are those of the document, in its order', () => {
  expect(registrationFields).toEqual(Object.keys(whole))
})

describe('texts', () => {
  test.for(texts)('%s', ([field, label]) => {
    expect(outcome(field, ' José\tÑ '.replace('\t', ' '))).toBe('José Ñ')
    expect(outcome(field, 'x'.repeat(255))).toBe('x'.repeat(255))
    expect(outcome(field, '😀'.repeat(255))).toBe('😀'.repeat(255))
    expect(outcome(field, '😀'.repeat(256))).toEqual([`${label} must be at most 255 characters`])
    for (const bad of ['a\0b', 'a\nb', 'a\u0085b', 'a\ud800', '\udc00b', 'a\u001b[2Jb']) {
      expect(outcome(field, bad)).toEqual([`${label} contains invalid characters`])
    }
    for (const bad of [7, true, [], ['x'], {}]) {
      expect(outcome(field, bad)).toEqual([`${label} must be a string`])
    }
  })

  test.for(['\u200b', '\u202e', '\u00ad', '\ufeff', '\ue000', '\u0378'])(
    'a login cannot hold U+%s, which nobody sees',
    (character) => {
      expect(outcome('usuarioLogin', `john${character}doe`)).toEqual(['Username contains invalid characters'])
    },
  )
})

test('the password is counted in characters and kept as it is', () => {
  const short = ['Password must be at least 6 characters']
  for (const password of ['123456', '      ', ' pass ', '🔑🔑🔑🔑🔑🔑', 'ñ'.repeat(128), 'a\tb\nc\u0001']) {
    expect(outcome('usuarioPassword', password)).toBe(password)
  }
  for (const password of ['', '12345', '🔑🔑🔑🔑🔑'])
    expect(outcome('usuarioPassword', password)).toEqual(short)
  expect(outcome('usuarioPassword', '🔑'.repeat(129))).toEqual(['Password must be at most 128 characters'])
  expect(outcome('usuarioPassword', null)).toEqual(['Password is required'])
  for (const password of [123456, true, ['123456']]) {
    expect(outcome('usuarioPassword', password)).toEqual(['Password must be a string'])
  }
  for (const password of ['12345\0', '12345\ud800']) {
    expect(outcome('usuarioPassword', password)).toEqual(['Password contains invalid characters'])
  }
})

describe('e-mail addresses', () => {
  test.for([
    'john@example.com',
    'JOHN.doe+tag@sub.example.co',
    "o'neill_1@example.gt",
    'josé@ejemplo.gt',
    'juan@ñandú.gt',
    'x@a.b.c.d.e.fg',
    '1@2.x3',
    `${'a'.repeat(64)}@example.com`,
    `a@${'b'.repeat(63)}.com`,
    'a@xn--bcher-kva.example',
  ])('%s passes', (address) => {
    expect(outcome('usuarioCorreo', ` ${address} `)).toBe(address)
  })

  test.for([
    'john',
    'john@',
    '@example.com',
    'john@example',
    'john@@example.com',
    'john@example..com',
    'john@.example.com',
    'john@example.com.',
    '.john@example.com',
    'john.@example.com',
    'john doe@example.com',
    'john@exam ple.com',
    'john@-example.com',
    'john@example-.com',
    'john@127.0.0.1',
    'john@[127.0.0.1]',
    '"john"@example.com',
    'John <john@example.com>',
    'a@b.cc,c@d.ee',
    'john@example.com\r\nBcc: all@example.com',
    'john\0@example.com',
    'john\ud800@example.com',
    `${'a'.repeat(65)}@example.com`,
    `a@${'b'.repeat(64)}.com`,
    `a@${'b.'.repeat(130)}com`,
  ])('%j is none', (address) => {
    expect(outcome('usuarioCorreo', address)).toEqual(['Invalid email format'])
  })

  test('a hostile address takes no time', () => {
    const begun = performance.now()
    for (const part of ['a', 'a.', 'a-', '.', '@', 'a@', 'á', '{']) {
      outcome('usuarioCorreo', `${part.repeat(10_000)}!`)
      outcome('usuarioCorreo', `a@${part.repeat(250 / part.length)}`)
    }
    expect(performance.now() - begun).toBeLessThan(1_000)
  })
})

describe('integers', () => {
  const read = (field: RegistrationField, literal: string): unknown =>
    outcome(field, (parseWireJson(`{"x":${literal}}`) as { x: unknown }).x)

  test.for<[string, unknown]>([
    ['5', 5],
    ['5.0', 5],
    ['0.5e1', 5],
    ['0', 0],
    ['-0', 0],
    ['-0.0', 0],
    ['2147483647', 2_147_483_647],
    ['2147483648', undefined],
    ['5.5', undefined],
    ['9223372036854775808', undefined],
    ['1e400', undefined],
    ['"5"', undefined],
    ['true', undefined],
    ['[5]', undefined],
    ['{}', undefined],
  ])('%s', ([literal, value]) => {
    expect(read('departamentoId', literal)).toEqual(value ?? ['Department must be an integer'])
    expect(read('usuarioTipoDocumento', literal)).toEqual(value ?? ['Document type must be an integer'])
    expect(read('usuarioRolId', literal)).toEqual(value ?? ['Role must be an integer >= 0'])
    // What is no type is told later, as no type.
    expect(read('licenciaTipo', literal)).toEqual(value === 0 ? undefined : value)
  })

  test('below zero only a document type may be', () => {
    expect(read('usuarioTipoDocumento', '-2147483648')).toBe(-2_147_483_648)
    expect(read('usuarioTipoDocumento', '-2147483649')).toEqual(['Document type must be an integer'])
    expect(read('usuarioRolId', '-1')).toEqual(['Role must be an integer >= 0'])
    expect(read('licenciaTipo', '-1')).toBeUndefined()
  })

  test('zero is zero, never minus zero', () => {
    expect(Object.is(read('usuarioRolId', '-0'), 0)).toBe(true)
  })

  test('a year has four digits', () => {
    for (const year of [1000, 2018, 9999]) expect(outcome('licenciaPrimerAnio', year)).toBe(year)
    for (const year of [0, 18, 999, 10_000, 2018.5, '2018']) {
      expect(outcome('licenciaPrimerAnio', year)).toEqual([
        'License first year must be a year of four digits',
      ])
    }
  })
})

describe('days', () => {
  test.for([
    ['2025-12-31', '2025-12-31'],
    ['2000-02-29', '2000-02-29'],
    ['2000-01-15T00:00:00Z', '2000-01-15'],
    ['2000-01-15T23:59:59.999999999-06:00', '2000-01-15'],
    ['2000-01-15T23:59+1400', '2000-01-15'],
    ['2000-01-15 10:00', '2000-01-15'],
    ['0001-01-01', '0001-01-01'],
    ['9999-12-31', '9999-12-31'],
  ])('%s is the day %s', ([text, day]) => {
    expect(outcome('licenciaFechaVencimiento', text)).toBe(day)
    expect(outcome('usuarioFechaNacimiento', text)).toBe(day)
  })

  test.for([
    '2001-02-29',
    '1900-02-29',
    '2025-13-01',
    '2025-00-10',
    '2025-04-31',
    '2025-01-00',
    '2025-1-1',
    '20250101',
    '31-12-2025',
    '2025-12-31T',
    '2025-12-31T24:00:00Z',
    '2025-12-31T10:60:00Z',
    '2025-12-31T10:00:00+15:00',
    '2025-12-31Z',
    '2025-12-31\n2025-12-31',
    '+002025-12-31',
    '-2025-12-31',
    'tomorrow',
    20251231,
    true,
    [],
    {},
  ])('%j is none', (value) => {
    expect(outcome('licenciaFechaVencimiento', value)).toEqual([
      'License expiration date must be an ISO 8601 date',
    ])
    expect(outcome('usuarioFechaNacimiento', value)).toEqual(['Birth date must be an ISO 8601 date'])
  })

  test('every day of every year passes as it is', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          const day = date.toISOString().slice(0, 10)
          expect(outcome('licenciaFechaVencimiento', day)).toBe(day)
          expect(outcome('licenciaFechaVencimiento', date.toISOString())).toBe(day)
        },
      ),
    )
  })
})

describe('the licence', () => {
  const junk = {
    licenciaTipo: 'x',
    licenciaNumero: 7,
    licenciaPrimerAnio: 'y',
    licenciaFechaVencimiento: 'z',
  }

  test.for([undefined, null, false, ''])('is not looked at beside a flag that is %j', (poseeLicencia) => {
    const parsed = parseRegistration({ ...required, ...junk, poseeLicencia })
    expect(parsed.data).toEqual({
      ...required,
      ...(poseeLicencia === false ? { poseeLicencia: false } : {}),
    })
  })

  test.for(['true', 1, 0, [], {}])(
    'a flag that is %j is a complaint, and nothing else is',
    (poseeLicencia) => {
      const { error } = parseRegistration({ ...required, ...junk, poseeLicencia })
      expect(error?.issues.map(({ message }) => message)).toEqual(['License flag must be a boolean'])
    },
  )

  test('counts beside a flag that is true', () => {
    const { error } = parseRegistration({ ...required, ...junk, poseeLicencia: true })
    expect(error?.issues.map(({ path }) => path[0])).toEqual([
      'licenciaNumero',
      'licenciaPrimerAnio',
      'licenciaFechaVencimiento',
    ])
  })
})

test('what is absent, null or blank is missed where it is required, and left out elsewhere', () => {
  const optional = registrationFields.filter((field) => !(field in required))
  for (const value of [undefined, null, '', ' \t\n']) {
    const blank = Object.fromEntries(registrationFields.map((field) => [field, value]))
    const messages = registrationRequest.safeParse(blank).error?.issues.map(({ message }) => message)
    expect(messages).toEqual([
      'Username is required',
      'Email is required',
      typeof value === 'string' ? 'Password must be at least 6 characters' : 'Password is required',
      'First name is required',
      'Last name is required',
      'Department is required',
    ])
    const left = Object.fromEntries(optional.map((field) => [field, value]))
    expect(parseRegistration({ ...required, ...left }).data).toEqual(required)
  }
})

test('no value makes it throw, and what passes passes again unchanged', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...registrationFields), fc.jsonValue()), (changes) => {
      const { data } = parseRegistration({ ...whole, ...changes })
      if (data !== undefined) expect(parseRegistration(data).data).toEqual(data)
    }),
    { numRuns: 2_000 },
  )
})

test('the sample answer of the document is one', () => {
  const user = {
    usuario_id: 1,
    usuario_login: 'johndoe',
    usuario_correo: 'john@example.com',
    usuario_nombre: 'John',
    usuario_apellido: 'Doe',
    departamento_id: 5,
    usuario_celular: '12345678',
    profile: null,
  }
  expect(registrationAnswer.parse({ token: 'eyJ', user })).toEqual({ token: 'eyJ', user })
  expect(meAnswer.safeParse({ user: { ...user, usuario_celular: null } }).success).toBe(true)
  expect(meAnswer.safeParse({ user: { ...user, usuario_id: '1' } }).success).toBe(false)
})
