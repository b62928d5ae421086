import { afterEach, beforeEach, expect, test } from 'vitest'
import { ServerClient } from '../../sync/client.ts'
import { ScriptedServer, type ScriptedAnswer } from '../../sync/scripted-server.testing.ts'
import { completeCustomer, type Clerk, type Ending } from './dialog.ts'
import { newDraft, type CustomerDraft } from './draft.ts'
import { customerSteps } from './steps.ts'

const start = Date.parse('2026-01-31T12:00:00Z')
const said = (status: number, more: object = {}): ScriptedAnswer => ({
  status,
  body: JSON.stringify({ message: '', status, ...more }),
})
const ok = said(200)
const verified = { ...ok, headers: { 'x-registration-ticket': 'ticket' } }
const created = said(200, { data: { id: 7, nombres: 'Eva', email: 'eva@example.com' } })
const wrong = said(400)

let server: ScriptedServer
let client: ServerClient
let draft: CustomerDraft
let nowMs: number
let told: string[]
beforeEach(async () => {
  server = await ScriptedServer.open()
  client = new ServerClient(server.url, 'test', { connectMs: 1_000, answerMs: 1_000, totalMs: 2_000 })
  nowMs = start
  draft = newDraft(
    { nombres: 'Eva', email: 'eva@example.com', numero_documento: '1' },
    new Date(start).toISOString(),
  )
  told = []
})
afterEach(async () => {
  await client[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** Answers each path from its list, in turn. */
function script(
  answers: Partial<Record<'Register' | 'ValidarCodigoRegistro' | 'Crear', ScriptedAnswer[]>>,
): void {
  server.answer = ({ path }) =>
    answers[path.replace('/auth/cliente', '') as keyof typeof answers]?.shift() ?? { status: 500 }
}

function complete(lines: (string | (() => string))[], clerk: Partial<Clerk> = {}): Promise<Ending> {
  return completeCustomer(draft, {
    steps: customerSteps(client, new AbortController().signal),
    language: 'es',
    nowMs: () => nowMs,
    save: () => undefined,
    clerk: {
      say: (text) => told.push(text),
      code: () => {
        const line = lines.shift()
        return Promise.resolve(typeof line === 'function' ? line() : line)
      },
      password: () => Promise.resolve('larga-clave'),
      again: () => Promise.resolve(false),
      ...clerk,
    },
  })
}
const paths = (): string[] => server.received.map(({ path }) => path.replace('/auth/cliente', ''))

test('the ticket of the verification goes with the account', async () => {
  script({ Register: [ok], ValidarCodigoRegistro: [verified], Crear: [created] })
  expect(await complete(['123 456'])).toEqual({ state: 'registered', customerId: 7 })
  expect(server.received.at(-1)?.headers['x-registration-ticket']).toBe('ticket')
  expect(server.received[1]?.rawBody).toContain('"codigo":"123456"')
})

test('what is no code is not sent, and costs no try', async () => {
  script({ Register: [ok], ValidarCodigoRegistro: [verified], Crear: [created] })
  await complete(['hola', '12345', '1234567', '123456'])
  expect(paths()).toEqual(['Register', 'ValidarCodigoRegistro', 'Crear'])
  expect(told.filter((text) => text.includes('6 cifras.'))).toHaveLength(3)
})

test('each wrong code says how many tries are left; then when there can be another', async () => {
  script({ Register: [ok, said(429)], ValidarCodigoRegistro: [wrong, wrong, wrong, wrong, wrong] })
  const ending = await complete(['000001', '000002', '000003', '000004', '000005', ''])
  expect(
    told.filter((text) => text.includes('quedan: ')).map((text) => /quedan: (\d)/.exec(text)?.[1]),
  ).toEqual(['4', '3', '2', '1'])
  expect(told.some((text) => text.includes('Se acabaron los 5 intentos'))).toBe(true)
  expect(told.at(-1)).toContain('espere 60 s')
  expect(ending).toEqual({ state: 'saved', error: 'code-needed' })
})

test('a code that is over is replaced by a new one, under a new key', async () => {
  script({ Register: [ok, ok], ValidarCodigoRegistro: [wrong, verified], Crear: [created] })
  const late = (): string => {
    nowMs += 11 * 60_000
    return '111111'
  }
  expect(await complete([late, '222222'])).toMatchObject({ state: 'registered' })
  expect(paths()).toEqual(['Register', 'ValidarCodigoRegistro', 'Register', 'ValidarCodigoRegistro', 'Crear'])
  expect(told.some((text) => text.includes('venció'))).toBe(true)
  expect(server.received[0]?.key).not.toBe(server.received[2]?.key)
})

test('a verification that is over begins again with a new code', async () => {
  script({ Register: [ok, ok], ValidarCodigoRegistro: [verified, verified], Crear: [said(403), created] })
  expect(await complete(['111111', '222222'])).toMatchObject({ state: 'registered' })
  expect(told.some((text) => text.includes('La verificación del correo venció'))).toBe(true)
})

test('too many tries with an address end with the time from which it can go on', async () => {
  const wait = { ...said(429), headers: { 'retry-after': '3600' } }
  script({ Register: [ok], ValidarCodigoRegistro: [wait] })
  expect(await complete(['111111'])).toEqual({
    state: 'saved',
    error: 'rate-limited',
    untilMs: start + 3_600_000,
  })
})

test('fields the server refuses are typed again; another address needs another code', async () => {
  const taken = said(409, { errors: { email: ['x'], numero_documento: ['y'] } })
  script({ Register: [ok, ok], ValidarCodigoRegistro: [verified, verified], Crear: [taken, created] })
  const asked: string[][] = []
  const again = (fields: string[]): Promise<boolean> => {
    asked.push(fields)
    draft.customer = { ...draft.customer, email: 'otra@example.com' }
    return Promise.resolve(true)
  }
  expect(await complete(['111111', '222222'], { again })).toMatchObject({ state: 'registered' })
  expect(asked).toEqual([['email', 'numero_documento']])
  expect(server.received.filter(({ path }) => path.endsWith('Register')).at(-1)?.rawBody).toContain('otra@')
})

test.each([
  ['never arrived', { status: 200, hangUp: true }, 'unconfirmed'],
  ['was a refusal', { status: 503 }, 'rejected'],
])('"taken" where the answer before %s', async (_what, first, state) => {
  const taken = said(409, { errors: { email: ['x'] } })
  script({ Register: [ok], ValidarCodigoRegistro: [verified], Crear: [first, taken] })
  expect(await complete(['111111'])).toMatchObject({ state: 'saved' })
  expect(await complete([])).toMatchObject({ state })
})

test.each([
  ['a login page', { status: 200, body: '<html>' }, 'server-unexpected-answer'],
  ['a server without this system', { status: 404, body: '{}' }, 'endpoint-missing'],
  ['a server that hangs up', { status: 200, hangUp: true }, 'server-timeout'],
])('%s is no progress', async (_what, answer, error) => {
  script({ Register: [answer] })
  expect(await complete([])).toEqual({ state: 'saved', error })
  expect(draft.sentAt).toBeNull()
})
