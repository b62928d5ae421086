import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { consentText } from '../agent/page/consents.ts'
import { pageCookie, cookieName } from '../agent/page/guard.ts'
import { setPin } from '../agent/page/operator/pin.ts'
import { ScriptedServer } from '../agent/sync/scripted-server.testing.ts'
import { runProgram, startAgent, type Finished, type RunningProgram } from '../demo/programs.ts'
import { textsIn, textsInFolder } from './byte-search.ts'
import { agentQueue, agentStatus, eventually, temporaryFolder } from './lobby.ts'

// Programs start and wait for each other here; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

/** Everything of everybody who registers here. None of it is part of another word. */
const card = {
  tapped: '04A7C3E91B5D82',
  dead: '04B8D4FA2C6E93',
  failing: '04C9E50B3D7FA4',
  listed: '04DAF61C4E80B5',
  fixed: '04EB072D5F91C6',
  page: '04FC183E60A2D7',
}
const codigo = { usual: 918273645546, failing: 827364554619 }
const person = {
  codigoClienteVLT: codigo.usual,
  correo: 'Canario.Unico@Ejemplo.test',
  ...{ enviarWhatsApp: true, enviarCorreo: false, enviarSms: true, tipoDocumento: 1 },
  dni: '7351986402',
  nombre: 'Xochiquétzal',
  apellidoPaterno: 'Quispehuanca',
  apellidoMaterno: 'Ñahuincopa',
  fechaNacimiento: '1987-09-13T00:00:00.000Z',
  telefono: '987612345',
  direccion: 'Jirón Canario 4711',
}
const citizen = { Nombres: 'Saturnina Canario', TipoDni: '1', Dni: '640285719' }
const user = {
  ...{ usuarioLogin: 'canario77', usuarioCorreo: 'canario77@ejemplo.test' },
  ...{ usuarioPassword: 'Clave-Canario-77', usuarioNombre: 'Hermelinda', usuarioApellido: 'Canarioqui' },
  ...{ usuarioCelular: '912345678', departamentoId: 5 },
}
const correction = 'Citlalmina'
const reason = 'canario: vive en otra parte'
const told = 'Canario dicho por el servidor'
const texts = [
  ...Object.values(card),
  ...['correo', 'dni', 'nombre', 'apellidoPaterno', 'apellidoMaterno', 'telefono', 'direccion'].map((field) =>
    String(person[field as keyof typeof person]),
  ),
  ...[
    ...Object.values(codigo).map(String),
    '1987-09-13',
    citizen.Nombres,
    citizen.Dni,
    correction,
    reason,
    told,
  ],
  ...Object.values(user).filter((value) => typeof value === 'string'),
]

const folder = temporaryFolder('privacy')
const data = join(folder.path, 'agent')
const outputs: string[] = []
let server: ScriptedServer
let agent: RunningProgram

async function run(args: string[], input?: string): Promise<Finished> {
  const finished = await runProgram('agent', [...args, '--data', data], input === undefined ? {} : { input })
  return finished
}
/** A command whose whole output must not hold anything of anybody. */
async function quiet(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run(args)
  outputs.push(stdout, stderr)
  return stdout
}
const idOf = async (uid: string): Promise<string> => {
  const { stdout } = await run(['queue', 'export', '-'])
  const rows = JSON.parse(stdout) as { id: string; body: { tarjeta?: string } }[]
  return rows.find(({ body }) => body.tarjeta === uid)?.id ?? ''
}

/** What the lobby's browser sends. */
async function browser(url: string, path: string, body: unknown, cookies: string[] = []): Promise<Response> {
  const cookie = [
    `${cookieName}=${pageCookie(readFileSync(join(data, 'page-secret'), 'utf8').trim())}`,
    ...cookies,
  ]
  return fetch(new URL(path, url), {
    method: 'POST',
    headers: {
      ...{ cookie: cookie.join('; '), origin: new URL(url).origin },
      ...{ 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' },
    },
    body: JSON.stringify(body),
  })
}

beforeAll(async () => {
  server = await ScriptedServer.open()
  server.answer = ({ card: uid, rawBody }) => {
    if (uid === card.dead || (uid === card.fixed && !rawBody.includes(correction)))
      return { status: 422, body: JSON.stringify({ message: told, errors: JSON.parse(rawBody) as unknown }) }
    if (uid === card.failing) return { status: 500, body: `<h1>${told} ${rawBody}</h1>` }
    if (rawBody.includes(user.usuarioLogin)) return { status: 500, hangUp: true }
    return { status: 201 }
  }
  agent = await startAgent(data, {
    args: ['--reader', 'simulated:lobby', '--server-url', server.url, '--log-level', 'debug'],
    env: { NODE_OPTIONS: `--report-on-signal --report-signal=SIGUSR2 --report-directory=${folder.path}` },
  })
})
afterAll(async () => {
  await agent.stop()
  await server[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

describe('an agent that registers people in every way, with every outcome, keeps what it knows of them to itself', () => {
  beforeAll(async () => {
    const json = JSON.stringify(person)
    // By tap, by hand, by list, at the page; taken, refused, failing, corrected, given up.
    await run(['enroll', '--from', '-'], json)
    await run(['reader', 'simulate', 'tap', card.tapped])
    for (const uid of [card.dead, card.fixed]) await run(['enroll', '--from', '-', '--card', uid], json)
    // Another client: what fails holds up what is the same client's.
    const other = JSON.stringify({ ...person, codigoClienteVLT: codigo.failing })
    await run(['enroll', '--from', '-', '--card', card.failing], other)
    const list = join(folder.path, 'lista.jsonl')
    writeFileSync(
      list,
      `${JSON.stringify({ ...person, tarjeta: card.listed })}\n{"tarjeta":"${card.dead}"}\n`,
    )
    await run(['enroll', '--from', list])
    await run(['register', 'digital-registry', '--from', '-', '--wait', '0'], JSON.stringify(citizen))
    await run(['register', 'user-account', '--from', '-', '--wait', '1'], JSON.stringify(user))
    const { pageUrl } = await agentStatus(data)
    const enrolment = { client: person, consentText: consentText('es') }
    const enrolled = await browser(pageUrl ?? '', '/enrolment', enrolment)
    expect(enrolled.status).toBe(200)
    await run(['reader', 'simulate', 'tap', card.page])
    await eventually(async () => {
      const { delivered, deadLetters } = (await agentStatus(data)).queue
      return delivered >= 3 && deadLetters === 2
    })

    const [dead, fixed] = [await idOf(card.dead), await idOf(card.fixed)]
    const corrected = join(folder.path, 'corrected.json')
    writeFileSync(corrected, JSON.stringify({ ...person, nombre: correction, tarjeta: card.fixed }))
    await quiet('queue', 'fix', fixed, '--from', corrected)
    await quiet('queue', 'retry', dead)
    await eventually(async () => (await agentStatus(data)).queue.deadLetters === 1)
    await quiet('queue', 'discard', dead, '--reason', reason)
    await quiet('keys', 'rotate')

    await setPin(data, '314159')
    const entered = await browser(pageUrl ?? '', '/operator/enter', { pin: '314159' })
    const session = entered.headers.get('set-cookie')?.split(';')[0] ?? ''
    const bundled = await browser(pageUrl ?? '', '/operator/bundle', {}, [session])
    outputs.push(await bundled.text())
    // Somebody waits for the tap while the helper's files are written.
    await run(['enroll', '--from', '-'], json)
  })

  test('first of all, it is searched for in all of it: every text is in what is exported', async () => {
    const exported = join(folder.path, 'export.json')
    expect(await run(['queue', 'export', exported])).toMatchObject({ code: 0 })
    const whole = Buffer.concat([
      readFileSync(exported),
      // No export holds a password, and of the dead letter that was corrected none holds the old answer.
      Buffer.from(`${user.usuarioPassword} ${told}`),
    ])
    expect(textsIn(whole, texts)).toEqual(texts)
    const states = (await agentQueue(data)).map(({ state }) => state)
    expect(new Set(states)).toEqual(new Set(['delivered', 'pending', 'discarded']))
  })

  test('not in any file of the data folder: outbox, log, mark, ballast, keys, audits, the operator’s bundle', () => {
    const names = readdirSync(data)
    for (const name of [
      'outbox.db',
      'outbox.db-wal',
      'outbox.db-mark',
      'outbox.db-ballast',
      'outbox-keys.json',
    ])
      expect(names).toContain(name)
    expect(names.some((name) => name.startsWith('report-'))).toBe(true)
    expect(textsInFolder(data, texts)).toEqual([])
  })

  test('not in bundle, doctor, audit and lists of keys, nor in what commands say', async () => {
    const bundle = join(folder.path, 'bundle.json')
    await quiet('doctor', '--bundle', bundle)
    await quiet('doctor', '--json')
    expect(await quiet('queue', 'audit', '--json')).toContain('discard')
    await quiet('queue', 'audit')
    await quiet('queue', 'verify', '--json')
    await quiet('queue', 'list')
    await quiet('keys', 'list', '--json')
    await quiet('reader', 'list', '--json')
    expect(textsIn(readFileSync(bundle), texts)).toEqual([])
    expect(textsIn(Buffer.from(outputs.join('\n')), texts)).toEqual([])
  })

  test('not in status, but for the number of the client who is being waited for', async () => {
    expect(textsIn(Buffer.from(await quiet('status', '--json')), texts)).toEqual([String(codigo.usual)])
    expect(textsIn(Buffer.from(await quiet('status')), texts)).toEqual([])
    await run(['enroll', '--cancel'])
    expect(textsIn(Buffer.from(await quiet('status', '--json')), texts)).toEqual([])
  })

  test('not in the log, which tells everything it can', () => {
    expect(agent.stderr()).toContain('"msg":"accepted"')
    expect(agent.stderr()).toContain('dead letter')
    expect(textsIn(Buffer.from(agent.stderr()), texts)).toEqual([])
  })

  test('not in what Node itself reports of the process; a core dump, which would hold it, is never written', async () => {
    const unit = readFileSync(new URL('../systemd/vlt-agent.service', import.meta.url), 'utf8')
    expect(unit).toMatch(/^LimitCORE=0$/m)
    agent.child.kill('SIGUSR2')
    const reports = (): string[] => readdirSync(folder.path).filter((name) => /^report\..*\.json$/.test(name))
    await eventually(() => reports().length === 1)
    await delay(500)
    const report = readFileSync(join(folder.path, reports()[0] ?? ''))
    expect(report.toString()).toContain('"javascriptStack"')
    expect(textsIn(report, texts)).toEqual([])
  })

  test('not in any file once the agent has stopped', async () => {
    expect((await agent.stop()).code).toBe(0)
    expect(textsInFolder(data, texts)).toEqual([])
  })
})
