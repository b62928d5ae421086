import { globSync, readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import { openTestbed } from '../testbed.testing.ts'
import { assemble } from './assemble.ts'
import { objectSchema } from './schema.ts'
import { type Answered, departures, document, faults, operations, requestFields } from './document.testing.ts'
import { openApiDocument } from './document.ts'

// They look things up, and only take a body so that what is asked stands in no log.
const reads = ['/v1/cards/authenticate']
// They count by Kiosk-Sequence, and the keys are those of the items.
const signed = '/v1/kiosk/'
// For people, not for programs.
const pages = /^\/(docs|digital)(\/|$)/

test('the document is valid OpenAPI 3.1', async () => {
  const result = await new Validator().validate(structuredClone(document))
  expect(result).toEqual({ valid: true })
})

test('every operation has an id of its own, a summary and a described tag', () => {
  const ids = operations.map(({ operation }) => operation.operationId)
  expect(new Set(ids).size).toBe(ids.length)
  const { tags } = openApiDocument(undefined)
  expect(tags.every(({ description }) => description.length > 20)).toBe(true)
})

test('the document names the public address where there is one', () => {
  expect(openApiDocument(undefined).servers).toEqual([{ url: '/' }])
  expect(openApiDocument('https://lobby.example').servers).toEqual([{ url: 'https://lobby.example' }])
})

test('every write takes an Idempotency-Key and says what it answers to one', () => {
  const writes = operations.filter(
    ({ method, path }) => method === 'POST' && !reads.includes(path) && !path.startsWith(signed),
  )
  expect(writes.length).toBeGreaterThan(2)
  for (const { operation } of writes) {
    expect(operation.parameters, operation.operationId).toContainEqual({
      $ref: '#/components/parameters/Idempotency-Key',
    })
    expect(Object.keys(operation.responses), operation.operationId).toEqual(
      expect.arrayContaining(['409', '413', '422', '429', '500', '503']),
    )
  }
})

/** As the four API documents have them. */
const required: Record<string, string[]> = {
  registerVltClient: ['codigoClienteVLT', 'correo', 'tarjeta', 'enviarWhatsApp', 'enviarCorreo', 'enviarSms'],
  registerCustomer: ['nombres', 'email'],
  verifyCustomer: ['email', 'codigo'],
  createCustomer: [
    ...['numero_documento', 'nombres', 'fecha_nacimiento', 'email', 'password', 'id_lista_precio'],
    ...['id_distrito', 'tipo_cliente', 'tipo_pago', 'incluye_igv'],
  ],
  logInCustomer: ['email', 'password'],
  createDigitalRegistration: ['Username', 'Password', 'Dni', 'TipoDni', 'Nombres'],
  registerUser: [
    ...['usuarioLogin', 'usuarioCorreo', 'usuarioPassword', 'usuarioNombre', 'usuarioApellido'],
    'departamentoId',
  ],
  authenticateCard: ['cardIdentifier'],
  joinKiosk: ['code', 'publicKey', 'version'],
  takeRegistrations: ['epoch', 'items'],
  reportKiosk: [
    ...['epoch', 'version', 'highestSequence', 'accepted', 'delivered', 'dead', 'discarded', 'pending'],
    ...['documented', 'chainHead'],
  ],
  rotateKioskKey: ['publicKey'],
}

test('the required fields are those of the API documents', () => {
  const found = operations
    .filter(({ operation }) => operation.requestBody !== undefined)
    .map(({ operation }) => [operation.operationId, requestFields(operation).required])
  expect(Object.fromEntries(found)).toEqual(required)
})

test('every example is what its schema says', () => {
  const media = operations.flatMap(({ operation }) => [
    ...Object.values(operation.requestBody?.content ?? {}),
    ...Object.values(operation.responses).flatMap(({ content }) => Object.values(content ?? {})),
  ])
  const examples = media.flatMap(({ schema, example, examples }) =>
    [
      ...(example === undefined ? [] : [example]),
      ...Object.values(examples ?? {}).map(({ value }) => value),
    ].map((value) => ({ schema, value })),
  )
  expect(examples.length).toBeGreaterThan(media.length - 1)
  for (const { schema, value } of examples) expect(faults(schema, value), JSON.stringify(value)).toEqual([])
})

test('two schemas of one name are refused', () => {
  const operation = (path: string) => ({
    method: 'get' as const,
    path,
    id: path,
    summary: path,
    answers: [{ status: 200, when: '', body: { schema: objectSchema('Same', {}), example: {} } }],
  })
  expect(() =>
    assemble([{ name: 'x', description: '', operations: [operation('/a'), operation('/b')] }]),
  ).toThrow('Same')
})

describe('the routes of the server', () => {
  test('are those of the document', async () => {
    await using bed = await openTestbed()
    const routes = bed.app
      .printRoutes({ commonPrefix: false })
      .matchAll(/^\S+ (\S+) \(([^)]+)\)$/gm)
      .flatMap(([, path = '', methods = '']) => methods.split(', ').map((method) => `${method} ${path}`))
      .filter((route) => !route.startsWith('HEAD ') && !pages.test(route.split(' ')[1] ?? ''))
      .map((route) => route.replace(/:(\w+)/g, '{$1}'))
    expect([...routes].sort()).toEqual(operations.map(({ method, path }) => `${method} ${path}`).sort())
  })
})

interface Golden {
  name: string
  request: { method: string; path: string }
  answer: Answered
}

const server = new URL('../', import.meta.url)
const goldens = globSync('**/golden/*.json', { cwd: server.pathname }).map((file) => ({
  file,
  golden: JSON.parse(
    // What is drawn by lot stands there by its name.
    readFileSync(new URL(file, server), 'utf8').replaceAll('{Codigo}', 'A8F121PIO1R7I'),
  ) as Golden,
}))

describe('the golden files of every system', () => {
  test('are found', () => {
    expect(goldens.length).toBeGreaterThan(80)
  })

  test.for(goldens)('$file', ({ golden: { request, answer } }) => {
    const path = request.path.split('?', 1)[0]?.replace(/\/$/, '') ?? ''
    if (pages.test(path)) return
    const placed = operations.find((entry) => entry.path === path && entry.method === request.method)
    const asGet = operations.find((entry) => entry.path === path && entry.method === 'GET')
    if (request.method === 'HEAD' && asGet !== undefined) {
      expect(departures(asGet, { ...answer, body: undefined })).toEqual([])
    } else if (placed !== undefined) expect(departures(placed, answer)).toEqual([])
    // A method that the path does not have: refused, or told by OPTIONS.
    else if (path in document.paths) expect([405, 200]).toContain(answer.status)
    else expect(answer.status).toBe(404)
  })
})
