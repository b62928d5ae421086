import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { CardUid } from '../../shared/card-uid.ts'
import { registrationRequest } from '../../shared/contracts/vlt-clients.ts'
import { parseWireJson } from '../../shared/wire-json.ts'
import { version } from '../version.ts'
import { checkClient, clientJson, parseClient, requiredFields, toRegistration } from './client-data.ts'
import { complaintLine } from './forms/complaint-texts.ts'

const complete = {
  codigoClienteVLT: 70,
  correo: 'cliente70@gmail.com',
  enviarWhatsApp: true,
  enviarCorreo: true,
  enviarSms: false,
}
const card = 'A0C2BBCA' as CardUid

function complaints(value: unknown): string[] {
  const checked = checkClient(value)
  return 'complaints' in checked ? checked.complaints.map(({ field, rule }) => `${field} ${rule}`) : []
}

describe('what is sent', () => {
  test('is the body of the API document, with the card of the tap', () => {
    const { body, subject } = toRegistration(parseClient(JSON.stringify(complete)), card, null)
    expect(JSON.parse(body)).toEqual({ ...complete, tarjeta: 'A0C2BBCA' })
    expect(subject).toBe('70')
  })

  test('is what the contract accepts, field by field', () => {
    const all = {
      ...complete,
      tipoDocumento: 1,
      dni: '74658993',
      nombre: 'José',
      apellidoPaterno: 'Mamani',
      apellidoMaterno: 'Ñahui',
      fechaNacimiento: '1995-04-23T13:47:04.200Z',
      direccion: 'Av. Bolognesi 123',
      telefono: '928570056',
      ubigeo: '230101',
      sexo: 1,
    }
    const body = clientJson(parseClient(JSON.stringify(all)), card)
    expect(JSON.parse(body)).toEqual({ ...all, tarjeta: 'A0C2BBCA' })
    expect(registrationRequest.safeParse(parseWireJson(body)).success).toBe(true)
  })

  test('keeps every digit of a 64-bit client code', () => {
    const text = JSON.stringify(complete).replace('70', '9223372036854775807')
    expect(clientJson(parseClient(text))).toContain('"codigoClienteVLT":9223372036854775807,')
  })

  test('leaves out what is absent, null or blank', () => {
    expect(
      Object.keys(
        JSON.parse(
          clientJson(parseClient(JSON.stringify({ ...complete, dni: ' ', nombre: null }))),
        ) as object,
      ),
    ).toEqual(Object.keys(complete))
  })
})

describe('what is refused', () => {
  test('names every wrong field', () => {
    expect(complaints({ codigoClienteVLT: 'x', correo: 'a', enviarSms: 2, telefno: '1' })).toEqual([
      'codigoClienteVLT integer',
      'correo email',
      'enviarWhatsApp required',
      'enviarCorreo required',
      'enviarSms boolean',
      'telefno unknown',
    ])
  })

  test.each([undefined, null, 5, 'text', []])('%s is no client', (value) => {
    expect(complaints(value)).toEqual(requiredFields.map((field) => `${field} required`))
  })

  test('says it in the language of the clerk', () => {
    const long = checkClient({ ...complete, dni: '1'.repeat(21) })
    const [complaint] = 'complaints' in long ? long.complaints : []
    expect(complaint && complaintLine(complaint, 'es')).toBe(
      '  dni: es demasiado largo (máximo 20 caracteres)',
    )
    expect(complaint && complaintLine(complaint, 'en')).toBe('  dni: is too long (at most 20 characters)')
  })

  test('carries the code and every field', () => {
    expect(() => parseClient('{"correo":"a"}')).toThrow(
      expect.objectContaining({
        code: 'input-invalid',
        fields: expect.arrayContaining([expect.objectContaining({ field: 'correo' })]) as unknown,
      }),
    )
  })
})

test('the version is the one of package.json', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  expect(version).toBe(manifest.version)
})
