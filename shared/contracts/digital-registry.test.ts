import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseWireJson } from '../wire-json.ts'
import {
  codePattern,
  complaintOf,
  documentTypes,
  maxLengths,
  registrationAnswer,
  registrationRequest,
  type RegistrationRequest,
} from './digital-registry.ts'

const valid = {
  Username: '123456789',
  Password: 'MiClaveSegura',
  Dni: '987654321',
  TipoDni: '1',
  Nombres: 'Jorge Salamanca',
}
type Field = keyof RegistrationRequest
const fields = Object.keys(valid) as Field[]
const texts = ['Username', 'Password', 'Dni', 'Nombres'] as const

const format = 'Formato de solicitud incorrecto.'
const required = (field: Field): string => `El campo '${field}' es obligatorio.`

/** What a body becomes, or the complaint about it. */
function outcome(input: unknown): RegistrationRequest | string {
  const parsed = registrationRequest.safeParse(input)
  return parsed.success ? parsed.data : complaintOf(parsed.error)
}

/** What one field becomes, or the complaint about it. */
function fieldOutcome(field: Field, value: unknown): unknown {
  const found = outcome({ ...valid, [field]: value })
  return typeof found === 'string' ? found : found[field]
}

test('the example of the document is taken as it is', () => {
  expect(outcome(valid)).toEqual({ ...valid, TipoDni: 1 })
})

describe('absence', () => {
  test.for([undefined, null, '', ' ', '\t\r\n', '\u00a0\ufeff'])('%j is absence of every field', (value) => {
    for (const field of fields) expect(fieldOutcome(field, value)).toBe(required(field))
  })

  test('0 and false are no absence', () => {
    expect(fieldOutcome('TipoDni', 0)).toBeUndefined()
    expect(fieldOutcome('Nombres', false)).toBe(format)
    expect(fieldOutcome('Nombres', 0)).toBe(format)
  })
})

describe('texts', () => {
  test.for<[unknown]>([[1], [1n], [true], [false], [[]], [{}], [['x']]])('%s is no text', ([value]) => {
    for (const field of texts) expect(fieldOutcome(field, value)).toBe(format)
  })

  test.for(['a\0b', '\0', '\ud800', 'a\udc00'])('%j is a text that no database takes', (value) => {
    for (const field of fields) expect(fieldOutcome(field, value)).toBe(format)
  })

  test('outer spaces are cut off, but from the password', () => {
    for (const field of texts) {
      expect(fieldOutcome(field, '  x y\n')).toBe(field === 'Password' ? '  x y\n' : 'x y')
    }
  })

  test('lengths count characters, after the outer spaces', () => {
    for (const field of texts) {
      const longest = '𝟙'.repeat(maxLengths[field])
      expect(fieldOutcome(field, longest)).toBe(longest)
      expect(fieldOutcome(field, `${longest}x`)).toBe(format)
      if (field !== 'Password') expect(fieldOutcome(field, ` ${longest} `)).toBe(longest)
    }
  })

  test('a document number has a letter or a digit', () => {
    for (const value of ['-', '...', '•']) expect(fieldOutcome('Dni', value)).toBe(format)
    expect(fieldOutcome('Dni', '-Ñ-')).toBe('-Ñ-')
    expect(fieldOutcome('Nombres', '...')).toBe('...')
  })
})

describe('document types', () => {
  test('1 to 9 pass as integer and as text', () => {
    for (const id of Object.keys(documentTypes)) {
      expect(fieldOutcome('TipoDni', id)).toBe(Number(id))
      expect(fieldOutcome('TipoDni', Number(id))).toBe(Number(id))
      expect(fieldOutcome('TipoDni', ` ${id}\n`)).toBe(Number(id))
    }
  })

  test.for(['0', '10', '-1', '1.0', '1e0', '100000000000000000000', '1.5', '0.1'])(
    '%s is in no table, as number and as text',
    (json) => {
      expect(fieldOutcome('TipoDni', parseWireJson(json))).toBeUndefined()
      expect(fieldOutcome('TipoDni', json)).toBeUndefined()
    },
  )

  test.for(['01', '+1', '0x1', '１', '٣', 'uno', 'toString', '1 2'])('%s is in no table', (text) => {
    expect(fieldOutcome('TipoDni', text)).toBeUndefined()
  })

  test.for<[unknown]>([[true], [[]], [[1]], [{}]])('%s is neither number nor text', ([value]) => {
    expect(fieldOutcome('TipoDni', value)).toBe(format)
  })
})

test('of any faults a wrong shape is told first, then the first missing field', () => {
  const fault = fc.constantFrom<'none' | 'shape' | 'missing'>('none', 'shape', 'missing')
  fc.assert(
    fc.property(fc.tuple(fault, fault, fault, fault, fault), (faults) => {
      const body: Record<string, unknown> = { ...valid }
      fields.forEach((field, place) => {
        if (faults[place] === 'shape') body[field] = []
        if (faults[place] === 'missing') body[field] = undefined
      })
      const missing = fields.find((_field, place) => faults[place] === 'missing')
      const told = faults.includes('shape') ? format : missing === undefined ? undefined : required(missing)
      expect(outcome(body)).toEqual(told ?? { ...valid, TipoDni: 1 })
    }),
  )
})

test('keys are case-sensitive and other keys are ignored', () => {
  expect(outcome({ ...valid, username: 7, extra: [] })).toEqual({ ...valid, TipoDni: 1 })
  expect(outcome({ ...valid, Dni: undefined, DNI: '1', dni: '1' })).toBe(required('Dni'))
})

test('the answer of the document is an answer', () => {
  const data = {
    Codigo: 'A8F121PIO1R7I',
    Url: 'https://decrimlawyers.com/digital/index.php?cod=A8F121PIO1R7I',
    Fecha: '2025-12-05 10:46:29',
  }
  const answer = { status: 200, message: 'Registro generado exitosamente', data }
  expect(registrationAnswer.parse(answer)).toEqual(answer)
  for (const wrong of ['a8F121PIO1R7I', 'A8F121PIO1R7', 'A8F121PIO1R7II', 'Ñ8F121PIO1R7I']) {
    expect(codePattern.test(wrong)).toBe(false)
  }
})
