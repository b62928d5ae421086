import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { AgentStatus } from '../agent/status.ts'
import { ScriptedServer } from '../agent/sync/scripted-server.testing.ts'
import { runProgram, startAgent, startProgram, startServer, type Finished } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { agentQueue, agentStatus, eventually, temporaryFolder } from './lobby.ts'

// Programs start, die and wait for each other here; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

const person = '{"Nombres":"Jorge Salamanca","TipoDni":"1","Dni":"987654321"}'
const user = (login: string): string =>
  JSON.stringify({
    usuarioLogin: login,
    usuarioCorreo: `${login}@example.com`,
    usuarioPassword: 'securePass123',
    usuarioNombre: 'Jorge',
    usuarioApellido: 'Salamanca',
    departamentoId: 5,
  })
const taken = { status: 409, body: '{"error":"Login o correo ya registrado"}' }

const run = (data: string, args: string[], input?: string): Promise<Finished> =>
  runProgram('agent', [...args, '--data', data], input === undefined ? {} : { input })
const register = (data: string, what: string, input: string, ...args: string[]): Promise<Finished> =>
  run(data, ['register', what, '--from', '-', '--json', ...args], input)
const outcomeOf = ({ stdout }: Finished): unknown => JSON.parse(stdout)

/** Everything in the files of a folder, as text. */
function contentOf(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n')
}

describe('against the real server', () => {
  const folder = temporaryFolder('register')
  const data = join(folder.path, 'agent')
  const serverData = join(folder.path, 'server')
  const passwordFile = join(folder.path, 'registry-password')
  let server: Awaited<ReturnType<typeof startServer>>
  let agent: Awaited<ReturnType<typeof startAgent>>

  beforeAll(async () => {
    server = await startServer(serverData, { args: ['--insecure-loopback'] })
    writeFileSync(passwordFile, 'ClaveSegura1\n')
    const admin = (...args: string[]): Promise<Finished> =>
      runProgram('server', [...args, '--data', serverData])
    await admin('entity', 'add', '--name', 'Lobby')
    await admin(
      'api-user',
      'add',
      '--username',
      '123456789',
      '--entity',
      '1',
      '--password-file',
      passwordFile,
    )
    agent = await startAgent(data, {
      args: ['--server-url', server.url],
      env: {
        VLT_AGENT_REGISTRY_USERNAME: '123456789',
        VLT_AGENT_REGISTRY_PASSWORD_FILE: passwordFile,
      },
    })
  })
  afterAll(async () => {
    await agent.stop()
    await server.stop()
    folder[Symbol.dispose]()
  })

  test('a person gets the link of the digital registry; its password never comes to this disk', async () => {
    const done = await register(data, 'digital-registry', person)
    expect(done.code).toBe(0)
    expect(outcomeOf(done)).toMatchObject({
      state: 'registered',
      error: null,
      receipt: { status: 200, data: { Codigo: expect.stringMatching(/^[A-Z0-9]{13}$/) as string } },
    })
    const [row] = await agentQueue(data)
    expect(row).toMatchObject({ system: 'digital-registry', state: 'delivered', attempts: 1 })
    const shown = await run(data, ['queue', 'show', row?.id ?? ''])
    expect(JSON.parse(shown.stdout)).toMatchObject({
      body: { Dni: '987654321', TipoDni: 1, Nombres: 'Jorge Salamanca' },
    })
    expect(contentOf(data)).not.toContain('ClaveSegura1')
    const plain = await run(data, ['register', 'digital-registry', '--from', '-'], person)
    expect(plain.stdout).toMatch(/^http.*index\.php\?cod=[A-Z0-9]{13}$/m)
  })

  test('a user account is made; its token is neither shown nor kept, its password not shown', async () => {
    const done = await register(data, 'user-account', user('jorge'))
    expect(done.code).toBe(0)
    const { registrationId } = outcomeOf(done) as { registrationId: string }
    expect(outcomeOf(done)).toEqual({
      state: 'registered',
      registrationId,
      receipt: { user: { usuario_id: 1 } },
      error: null,
    })
    for (const secret of ['eyJhbGciOi', 'securePass123', 'jorge@example.com'])
      expect(contentOf(data)).not.toContain(secret)
    for (const look of [
      ['queue', 'show', registrationId],
      ['queue', 'export', '-'],
      ['queue', 'list', '--json'],
    ]) {
      expect((await run(data, look)).stdout).not.toContain('securePass123')
    }
    expect((await run(data, ['queue', 'list'])).stdout).not.toMatch(/jorge/i)
  })

  test('a login that somebody has is told as such, with exit code 8', async () => {
    await register(data, 'user-account', user('maria'))
    const second = await register(data, 'user-account', user('maria'))
    expect(second.code).toBe(8)
    expect(outcomeOf(second)).toMatchObject({ state: 'rejected', error: { code: 'account-taken' } })
  })

  test.each([
    [
      'digital-registry',
      '{"Nombres":" ","TipoDni":"12","Username":"x"}',
      ['Nombres: falta', 'Dni: falta', 'Username: no va aquí'],
    ],
    ['digital-registry', '{"Nombres":"A","TipoDni":"12","Dni":"1"}', ['TipoDni: no es un tipo de documento']],
    [
      'user-account',
      '{"usuarioLogin":"a","usuarioCorreo":"a","usuarioPassword":"12345","departamentoId":"5","poseeLicencia":true,"apellido":"b"}',
      [
        'usuarioCorreo: no es un correo',
        'usuarioPassword: es demasiado corto (mínimo 6',
        'usuarioNombre: falta',
        'departamentoId: debe ser un número',
        'licenciaTipo: falta',
        'licenciaNumero: falta',
        'apellido: no es un campo conocido',
      ],
    ],
  ])('%s: every wrong field of %s is named, and nothing is queued', async (what, input, complaints) => {
    const before = (await agentQueue(data)).length
    const refused = await register(data, what, input)
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 2, stdout: '' })
    for (const complaint of complaints) expect(refused.stderr).toContain(complaint)
    expect(await agentQueue(data)).toHaveLength(before)
  })

  test('the log knows nobody', () => {
    expect(agent.stderr()).toContain('delivered')
    for (const personal of ['Salamanca', '987654321', 'example.com', 'securePass', 'jorge', 'maria']) {
      expect(agent.stderr()).not.toContain(personal)
    }
  })
})

test('what is typed while the server is away is delivered once it is back', async () => {
  using folder = temporaryFolder('register-away')
  const data = join(folder.path, 'agent')
  const serverData = join(folder.path, 'server')
  const first = await startServer(serverData)
  const port = Number(new URL(first.url).port)
  await first.stop()
  await using _agent = await startAgent(data, { args: ['--server-url', first.url] })
  const saved = await register(data, 'user-account', user('ana'), '--wait', '1')
  expect(saved.code).toBe(6)
  expect(outcomeOf(saved)).toMatchObject({ state: 'saved', receipt: null })
  await using _server = await startServer(serverData, { port })
  await eventually(async () => (await agentStatus(data)).queue.delivered === 1)
})

describe('an answer that never arrives', () => {
  test('"taken" then is most likely our own account: delivered, shown as unconfirmed', async () => {
    using folder = temporaryFolder('register-lost')
    const data = join(folder.path, 'agent')
    await using server = await ScriptedServer.open()
    // Lost, then a server that takes nothing, then taken: the loss is not forgotten on the way.
    const script = [{ status: 201, hangUp: true }, { status: 503 }, taken]
    server.answer = () => script[server.received.length - 1] ?? taken
    const done = await register(data, 'user-account', user('ana'), '--server-url', server.url, '--wait', '30')
    expect(done.code).toBe(6)
    expect(outcomeOf(done)).toMatchObject({ state: 'unconfirmed', error: { code: 'delivered-unconfirmed' } })
    expect(new Set(server.received.map(({ key }) => key)).size).toBe(1)
    expect((await run(data, ['queue', 'list'])).stdout).toMatch(
      /user-accounts +delivered .* delivered-unconfirmed$/m,
    )
    expect((await run(data, ['queue', 'verify'])).code).toBe(0)
    expect((await run(data, ['status'])).stdout).toContain('1 delivered (1 unconfirmed)')
  })

  test('also when this machine was killed while it waited', async () => {
    using folder = temporaryFolder('register-killed')
    const data = join(folder.path, 'agent')
    await using server = await ScriptedServer.open()
    server.answer = () => ({ status: 201, delayMs: 60_000 })
    const args = ['register', 'user-account', '--from', '-', '--data', data, '--server-url', server.url]
    const killed = startProgram('agent', args, { input: user('ana') })
    await eventually(() => server.received.length === 1)
    await killed.stop('SIGKILL')
    const before = JSON.parse((await run(data, ['queue', 'list', '--json'])).stdout) as object[]
    expect(before).toMatchObject([{ state: 'pending', lastError: 'answer-lost' }])
    server.answer = () => taken
    await using _agent = await startAgent(data, { args: ['--server-url', server.url] })
    await eventually(async () => (await agentStatus(data)).queue.delivered === 1)
    expect(await agentQueue(data)).toMatchObject([{ lastError: 'delivered-unconfirmed' }])
  })

  test('"taken" after attempts that never left is a refusal', async () => {
    using folder = temporaryFolder('register-unsent')
    const data = join(folder.path, 'agent')
    const server = await ScriptedServer.open()
    const { url, port } = server
    await server[Symbol.asyncDispose]()
    expect((await register(data, 'user-account', user('ana'), '--server-url', url)).code).toBe(6)
    await using back = await ScriptedServer.open(port)
    back.answer = () => taken
    await using _agent = await startAgent(data, { args: ['--server-url', url] })
    await eventually(async () => (await agentStatus(data)).queue.deadLetters === 1)
    expect(await agentQueue(data)).toMatchObject([{ state: 'dead', lastError: 'account-taken' }])
  })
})

test('a registry that refuses this machine holds up nothing but itself', async () => {
  using folder = temporaryFolder('register-alone')
  const data = join(folder.path, 'agent')
  await using server = await ScriptedServer.open()
  server.answer = ({ path }) => (path.startsWith('/api/digital') ? { status: 401 } : { status: 201 })
  const passwordFile = join(folder.path, 'password')
  const env = { VLT_AGENT_REGISTRY_USERNAME: '1', VLT_AGENT_REGISTRY_PASSWORD_FILE: passwordFile }
  await using _agent = await startAgent(data, { args: ['--server-url', server.url], env })

  const unset = await register(data, 'digital-registry', person, '--wait', '1')
  expect(outcomeOf(unset)).toMatchObject({ state: 'saved', error: { code: 'registry-not-configured' } })
  expect(server.received).toHaveLength(0)
  writeFileSync(passwordFile, 'wrong')
  await run(data, ['queue', 'retry', '--all'])
  await eventually(() => server.received.length === 1)

  const card = await run(data, ['enroll', '--from', '-', '--card', 'A0C2BBCA', '--json'], sampleClient(70))
  expect(card.code).toBe(0)
  const status = JSON.parse((await run(data, ['status', '--json'])).stdout) as AgentStatus
  expect(status.server).toMatchObject({
    state: 'online',
    held: [{ system: 'digital-registry', reason: 'registry-refuses-us' }],
  })
  expect((await run(data, ['status'])).stdout).toContain('digital-registry waits, registry-refuses-us')
  expect(server.received.filter(({ path }) => path.startsWith('/api/digital'))).toHaveLength(1)
})
