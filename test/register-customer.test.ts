import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { customerPaths } from '../shared/contracts/customer-accounts.ts'
import { runProgram, startServer, type Finished } from '../demo/programs.ts'
import { AnswerEater } from './answer-eater.ts'
import { eventually, temporaryFolder } from './lobby.ts'

// Programs start, die and wait for each other here; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

const password = 'securePassword123'
let serial = 0
/** A customer whom nobody has registered yet. */
function customer(): { email: string; body: string } {
  serial += 1
  const email = `cliente${String(serial)}@example.com`
  const body = JSON.stringify({
    numero_documento: String(10_000_000 + serial),
    nombres: 'Juan Pérez',
    fecha_nacimiento: '1990-05-15',
    email,
    password,
    id_lista_precio: 1,
    id_distrito: 150101,
    tipo_cliente: 'natural',
    tipo_pago: 'Contado',
    incluye_igv: 1,
  })
  return { email, body }
}

const folder = temporaryFolder('customer')
const mails = join(folder.path, 'server', 'mail')
let server: Awaited<ReturnType<typeof startServer>>
beforeAll(async () => {
  server = await startServer(join(folder.path, 'server'))
})
afterAll(async () => {
  await server.stop()
  folder[Symbol.dispose]()
})

const register = (data: string, input: string, url: string, ...args: string[]): Promise<Finished> =>
  runProgram(
    'agent',
    ['register', 'customer-account', '--from', '-', '--json', '--data', data, '--server-url', url, ...args],
    { input },
  )
const outcomeOf = ({ stdout }: Finished): unknown => JSON.parse(stdout)

/** The codes mailed to an address, once there are so many. */
async function codes(email: string, count: number): Promise<string[]> {
  const found = (): string[] =>
    (existsSync(mails) ? readdirSync(mails) : [])
      .filter((name) => name.endsWith('.eml'))
      .map((name) => readFileSync(join(mails, name), 'utf8'))
      .filter((mail) => mail.includes(`To: ${email}`))
      .map((mail) => /^\s*(\d{3} ?\d{3})\s*$/m.exec(mail)?.[1] ?? '')
  await eventually(() => found().length >= count)
  return found()
}

async function mayLogIn(email: string): Promise<boolean> {
  const answer = await fetch(`${server.url}${customerPaths.login}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  })
  return answer.status === 200
}

test('data, code, account: each step goes on where the one before stopped', async () => {
  const data = join(folder.path, 'steps')
  const draft = join(data, 'customer-draft.json')
  const { email, body } = customer()
  const begun = await register(data, body, server.url)
  expect(begun.code).toBe(6)
  expect(outcomeOf(begun)).toMatchObject({ state: 'saved', error: { code: 'code-needed' } })
  expect(statSync(draft).mode & 0o777).toBe(0o600)
  expect(readFileSync(draft, 'utf8')).not.toContain(password)

  const other = await register(data, customer().body, server.url)
  expect(other).toMatchObject({ code: 8, stderr: expect.stringContaining('draft-waiting') as string })
  expect(other.stderr).not.toContain(email)

  const wrong = await register(data, '{"codigo":"000000"}', server.url, '--resume')
  expect(wrong).toMatchObject({
    code: 6,
    stderr: expect.stringContaining('Intentos que quedan: 4') as string,
  })

  const [codigo = ''] = await codes(email, 1)
  const done = await register(data, JSON.stringify({ codigo, password }), server.url, '--resume')
  expect(done.code).toBe(0)
  expect(outcomeOf(done)).toEqual({
    state: 'registered',
    receipt: { id: expect.any(Number) as number },
    error: null,
  })
  expect(readdirSync(data)).toEqual([])
  expect(await mayLogIn(email)).toBe(true)
  expect(await codes(email, 1)).toHaveLength(2) // the code, and the welcome
})

test('without a server everything typed is kept, and --forget erases it', async () => {
  const data = join(folder.path, 'away')
  const { email, body } = customer()
  const away = await register(data, body, 'http://127.0.0.1:9')
  expect(away.code).toBe(6)
  expect(outcomeOf(away)).toMatchObject({ state: 'saved', error: { code: 'server-unreachable' } })
  expect(away.stderr).toContain('--resume')
  expect((await register(data, '{}', server.url, '--resume')).code).toBe(6)
  expect(await codes(email, 1)).toHaveLength(1)
  expect((await register(data, '{}', server.url, '--forget')).code).toBe(0)
  expect(readdirSync(data)).toEqual([])
  const nothing = await register(data, '{}', server.url, '--resume')
  expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining('draft-missing') as string })
})

test('an answer lost at any step costs nothing: one code is mailed, one account made', async () => {
  const data = join(folder.path, 'lost')
  const { email, body } = customer()
  await using eater = await AnswerEater.open(server.url)
  eater.eat.add(customerPaths.register)
  expect((await register(data, body, eater.url)).code).toBe(6)
  expect(outcomeOf(await register(data, '{}', eater.url, '--resume'))).toMatchObject({
    error: { code: 'code-needed' },
  })
  const [codigo = ''] = await codes(email, 1)

  eater.eat.add(customerPaths.verify)
  const input = JSON.stringify({ codigo, password })
  expect((await register(data, input, eater.url, '--resume')).code).toBe(6)
  eater.eat.add(customerPaths.create)
  // The code was used up by the request whose answer was lost; its answer is heard again.
  expect((await register(data, input, eater.url, '--resume')).code).toBe(6)
  expect(await mayLogIn(email)).toBe(true)
  const done = await register(data, input, eater.url, '--resume')
  expect(outcomeOf(done)).toMatchObject({ state: 'registered' })
  expect((await codes(email, 1)).filter((code) => code !== '')).toHaveLength(1)
})

test('an account made under another password in an attempt whose answer was lost is told as unconfirmed', async () => {
  const data = join(folder.path, 'twice')
  const { email, body } = customer()
  await using eater = await AnswerEater.open(server.url)
  await register(data, body, eater.url)
  const [codigo = ''] = await codes(email, 1)
  eater.eat.add(customerPaths.create)
  expect((await register(data, JSON.stringify({ codigo, password }), eater.url, '--resume')).code).toBe(6)
  const again = await register(data, '{"password":"another password"}', eater.url, '--resume')
  expect(again.code).toBe(6)
  expect(outcomeOf(again)).toMatchObject({ state: 'unconfirmed', error: { code: 'delivered-unconfirmed' } })
  expect(readdirSync(data)).toEqual([])
  expect(await mayLogIn(email)).toBe(true)
})

test('a document number that somebody has is told, with exit code 8, and the registration can go on', async () => {
  const data = join(folder.path, 'taken')
  const first = customer()
  const make = async ({ email, body }: { email: string; body: string }): Promise<Finished> => {
    await register(data, body, server.url)
    const [codigo = ''] = await codes(email, 1)
    return register(data, JSON.stringify({ codigo, password }), server.url, '--resume')
  }
  expect((await make(first)).code).toBe(0)
  const second = customer()
  const { numero_documento } = JSON.parse(first.body) as { numero_documento: string }
  const taken = await make({
    ...second,
    body: JSON.stringify({ ...(JSON.parse(second.body) as object), numero_documento }),
  })
  expect(taken).toMatchObject({
    code: 8,
    stderr: expect.stringContaining('numero_documento: ya lo tiene') as string,
  })
  const corrected = JSON.stringify({ numero_documento: '7654321', password })
  expect((await register(data, corrected, server.url, '--resume')).code).toBe(0)
})

test('every wrong field is named before anything is sent', async () => {
  const data = join(folder.path, 'wrong')
  const refused = await register(
    data,
    '{"nombres":"","email":"x","password":"corta","fecha_nacimiento":"15/05/1990","id_distrito":1,"incluye_igv":2,"apellido":"x"}',
    server.url,
  )
  expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 2, stdout: '' })
  for (const told of [
    'nombres: falta',
    'numero_documento: falta',
    'email: no es un correo',
    'password: es demasiado corto (mínimo 8',
    'fecha_nacimiento: no es una fecha',
    'id_distrito: debe estar entre 10101 y 259999',
    'incluye_igv: debe ser sí o no',
    'apellido: no es un campo conocido',
  ]) {
    expect(refused.stderr).toContain(told)
  }
  expect(existsSync(data)).toBe(false)
})
