import { expect, test } from 'vitest'
import { z } from 'zod'
import { AppError } from './errors.ts'
import { createLog, type Log } from './log.ts'
import * as cards from './contracts/cards.ts'
import * as customerAccounts from './contracts/customer-accounts.ts'
import * as digitalRegistry from './contracts/digital-registry.ts'
import * as userAccounts from './contracts/user-accounts.ts'
import * as vltClients from './contracts/vlt-clients.ts'

/** What a use of the log writes. */
function logged(use: (log: Log) => void): Record<string, unknown>[] {
  const lines: string[] = []
  use(createLog('test', 'debug', { write: (line) => void lines.push(line) }))
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** Fields that tell nothing of who a person is. */
const harmless = [
  ...[
    'enviarWhatsApp',
    'enviarCorreo',
    'enviarSms',
    'tipoDocumento',
    'mensaje',
    'esDuplicado',
    'activa',
    'id',
  ],
  ...[
    'id_lista_precio',
    'tipo_cliente',
    'tipo_pago',
    'incluye_igv',
    'id_tipo_detraccion',
    'message',
    'status',
  ],
  ...[
    'extra_domicilio_a_domicilio',
    'extra_domicilio_a_agencia',
    'extra_agencia_a_domicilio',
    'errors',
    'data',
  ],
  ...['TipoDni', 'Fecha', 'departamentoId', 'usuarioTipoDocumento', 'usuarioRolId', 'poseeLicencia', 'user'],
  ...[
    'licenciaTipo',
    'licenciaPrimerAnio',
    'licenciaFechaVencimiento',
    'usuario_id',
    'departamento_id',
    'profile',
  ],
]

function fieldsOf(schema: unknown): string[] {
  if (!(schema instanceof z.ZodObject)) return []
  return Object.entries(schema.shape).flatMap(([key, field]) => [key, ...fieldsOf(field)])
}

const contracts = [vltClients, cards, customerAccounts, digitalRegistry, userAccounts]
const fields = [...new Set(contracts.flatMap((contract) => Object.values(contract).flatMap(fieldsOf)))]

test('every field of every contract is known to be harmless, or never written', () => {
  expect(fields).toEqual(
    expect.arrayContaining(['correo', 'Dni', 'email', 'usuarioNit', 'cardIdentifier', 'token']),
  )
  const personal = fields.filter((field) => !harmless.includes(field))
  const [line] = logged((log) => {
    log.info(Object.fromEntries(personal.map((field) => [field, 'canary'])))
  })
  expect(Object.keys(line ?? {})).toEqual(expect.arrayContaining(personal))
  expect(personal.filter((field) => line?.[field] !== '[personal]')).toEqual([])
})

test('personal fields are left out however deep they lie, also in lists and errors', () => {
  const person = { correo: 'canary', fine: 1 }
  const error = Object.assign(new AppError('storage-failed', 'the disk broke'), { sent: [person] })
  const [line] = logged((log) => {
    log.error({ err: error, list: [[person]], a: { b: { c: person } } }, 'broke')
  })
  expect(JSON.stringify(line)).not.toContain('canary')
  expect(line).toMatchObject({
    err: { type: 'AppError', message: 'the disk broke', code: 'storage-failed', sent: [{ fine: 1 }] },
    list: [[{ correo: '[personal]', fine: 1 }]],
    a: { b: { c: { fine: 1 } } },
    msg: 'broke',
  })
})

test('bytes and what is deeper than anybody logs on purpose are left out', () => {
  const circle: Record<string, unknown> = { at: new Date(0), bytes: Buffer.from('canary') }
  circle['again'] = circle
  const [line] = logged((log) => {
    log.info(circle)
  })
  expect(line).toMatchObject({ at: '1970-01-01T00:00:00.000Z', bytes: '[left out]' })
  expect(JSON.stringify(line)).not.toContain(Buffer.from('canary').toString('base64'))
})
