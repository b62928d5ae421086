import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { QueueEntry, WholeEntry } from '../agent/control/queue-operations.ts'
import type { AuditEntry } from '../agent/outbox/audit.ts'
import { Outbox } from '../agent/outbox/outbox.ts'
import { receiptCode } from '../agent/outbox/receipt-code.ts'
import type { StoredRegistration } from '../agent/outbox/registration.ts'
import { ScriptedServer } from '../agent/sync/scripted-server.testing.ts'
import { runProgram, startAgent, type Finished, type RunningProgram } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { systemClock } from '../shared/clock.ts'
import { textsIn } from './byte-search.ts'
import { eventually, temporaryFolder } from './lobby.ts'

// Programs start and wait for each other here; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const cardOf = (codigo: number): string => `04A1B2C3D4E5${String(codigo)}`
const bodyOf = (codigo: number, change: object = {}): string =>
  JSON.stringify({ ...(JSON.parse(sampleClient(codigo)) as object), tarjeta: cardOf(codigo), ...change })
const citizen = '{"Nombres":"Jorge Salamanca","TipoDni":"1","Dni":"987654321"}'
const reason = 'la clienta se fue a vivir a Tarapoto'
/** What must stand in no audit and no message: everything of the people below. */
const personal = [
  ...[70, 71, 72, 73, 74, 75].flatMap((codigo) => [cardOf(codigo), `cliente${String(codigo)}@example.com`]),
  ...['Brandon', 'Mamani', 'Ayala', 'Salamanca', '987654321', 'Tarapoto', 'Corregido'],
]

/** Five dead letters of three causes, one of another system, and one row that is delivered. */
function fill(data: string): StoredRegistration[] {
  using outbox = Outbox.open(data, systemClock)
  const client = (codigo: number) =>
    outbox.append({
      ...{ system: 'vlt-clients', subject: String(codigo), card: cardOf(codigo) },
      ...{ body: bodyOf(codigo), readerId: null },
    })
  const rows = [70, 71, 72, 73, 74].map(client)
  rows.push(
    outbox.append({ system: 'digital-registry', subject: '', card: '', body: citizen, readerId: null }),
    client(75),
  )
  const causes = ['invalid', 'too-large', 'too-large', 'invalid', 'conflict', 'invalid'] as const
  for (const [place, cause] of causes.entries())
    outbox.markDead(rows[place]?.id ?? '', `rejected-${cause}`, '{"message":"no"}')
  outbox.markDelivered(rows[6]?.id ?? '', '{"id":1}')
  return rows
}

function expectRefusal(finished: Finished, code: number, error: string, told: RegExp): void {
  expect(finished).toMatchObject({ code, stdout: '' })
  expect(finished.stderr).toMatch(/^error/)
  expect(finished.stderr).toContain(error)
  expect(finished.stderr).toMatch(told)
  expect(finished.stderr).not.toMatch(/^\s+at /m)
  expect(textsIn(Buffer.from(finished.stderr), personal)).toEqual([])
}

describe.each(['beside a running agent', 'while no agent runs'])('queue %s', (how) => {
  const isRunning = how === 'beside a running agent'
  const folder = temporaryFolder('queue')
  const data = join(folder.path, 'agent')
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder.path, name), content)
    return join(folder.path, name)
  }
  let rows: StoredRegistration[]
  let server: ScriptedServer
  let agent: RunningProgram | undefined
  const id = (place: number): string => rows[place]?.id ?? ''
  const queue = (...args: string[]): Promise<Finished> =>
    runProgram('agent', ['queue', ...args, '--data', data])
  const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await queue(...args)).stdout) as T
  const show = (place: number): Promise<WholeEntry> => json<WholeEntry>('show', id(place))
  const audit = (): Promise<AuditEntry[]> => json<AuditEntry[]>('audit', '--json')
  const start = (): Promise<RunningProgram> =>
    startAgent(data, { args: ['--server-url', server.url, '--reader', 'simulated:lobby'] })

  beforeAll(async () => {
    rows = fill(data)
    server = await ScriptedServer.open()
    if (isRunning) agent = await start()
  })
  afterAll(async () => {
    await agent?.stop()
    await server[Symbol.asyncDispose]()
    folder[Symbol.dispose]()
  })

  test('list and show say what waits for a person, and why', async () => {
    const dead = await json<QueueEntry[]>('list', '--state', 'dead', '--json')
    expect(dead.map((entry) => entry.id)).toEqual(
      rows
        .slice(0, 6)
        .map((row) => row.id)
        .toReversed(),
    )
    const table = await queue('list', '--state', 'dead')
    expect(table.stdout.split('\n')[0]).toMatch(/^ID +SYSTEM +STATE +CREATED +ATTEMPTS +LAST ERROR$/)
    expect(table.stdout).toContain('rejected-conflict')
    expect((await queue('list', '--state', 'lost')).stderr).toContain('There is none.')
    // The six letters of the kiosk page are enough.
    const shown = await json<WholeEntry>('show', receiptCode(id(0)))
    expect(shown).toMatchObject({
      ...{ id: id(0), idempotencyKey: rows[0]?.idempotencyKey, state: 'dead', lastError: 'rejected-invalid' },
      body: { codigoClienteVLT: 70, tarjeta: cardOf(70) },
      hint: expect.stringMatching(/\w/) as string,
    })
  })

  test('a wrong id, state or body is refused with code and way out, and changes nothing', async () => {
    const wrong: [string[], number, string, RegExp][] = [
      [['show', '00000000'], 2, 'registration-unknown', /queue list/],
      [['retry', 'nobody'], 2, 'registration-unknown', /queue list/],
      [['show', 'ab'], 2, 'registration-unknown', /four characters/],
      [['retry', id(6)], 1, 'registration-settled', /is delivered/],
      [['discard', id(6), '--reason', 'x'], 1, 'registration-settled', /is delivered/],
      [['fix', id(6), '--from', file('right', bodyOf(75))], 1, 'registration-settled', /is delivered/],
      [['retry', '--cause', 'bad-mood'], 2, 'usage', /no cause bad-mood.*queue list/],
      [['fix', id(0), '--from', file('text', 'Brandon')], 2, 'input-unreadable', /JSON object/],
      [['fix', id(0)], 2, 'usage', /--from/],
      [
        ['fix', id(0), '--from', file('wrong', bodyOf(70, { correo: 'x', enviarSms: undefined }))],
        ...([
          2,
          'input-invalid',
          /correo: no es un correo.*\n.*enviarSms: falta|enviarSms: falta.*\n.*correo/,
        ] as const),
      ],
      [
        ['fix', id(0), '--from', file('cardless', sampleClient(70))],
        ...([2, 'input-invalid', /tarjeta: el UID de una tarjeta/] as const),
      ],
      [
        ['fix', id(0), '--from', file('citizen', citizen)],
        ...([2, 'input-invalid', /Nombres: no es un campo conocido/] as const),
      ],
      [['fix', id(5), '--from', file('client', bodyOf(70))], 2, 'input-invalid', /Nombres: falta/],
      [['export', file('there', 'mine')], 2, 'usage', /is there already/],
    ]
    const people = async () => (await audit()).filter(({ action }) => action !== 'export')
    for (const [args, code, error, told] of wrong) expectRefusal(await queue(...args), code, error, told)
    expect(await people()).toEqual([])
    expect(await show(0)).toMatchObject({ state: 'dead', body: { codigoClienteVLT: 70 } })
    expect(await json<QueueEntry[]>('list', '--state', 'dead', '--json')).toHaveLength(6)
  })

  test('retry, retry --cause and fix send again under the old key; discard keeps the reason; all of it is in the audit', async () => {
    expect(await queue('retry', id(0))).toMatchObject({ code: 0, stderr: '1 to be sent again.\n' })
    expect(await json('retry', '--cause', 'rejected-too-large', '--json')).toEqual({ retried: 2 })
    const corrected = file('corrected.json', bodyOf(73, { nombre: 'Corregido' }))
    expect(await queue('fix', receiptCode(id(3)), '--from', corrected)).toMatchObject({ code: 0 })
    const sudo = { env: { SUDO_USER: 'maria' } }
    const discarded = await runProgram(
      'agent',
      ['queue', 'discard', id(4), '--reason', reason, '--data', data],
      sudo,
    )
    expect(discarded).toMatchObject({ code: 0 })
    const exported = join(folder.path, 'export.json')
    expect(await queue('export', exported)).toMatchObject({ code: 0 })
    expect(statSync(exported).mode & 0o777).toBe(0o600)
    expect((JSON.parse(readFileSync(exported, 'utf8')) as unknown[]).length).toBe(rows.length)

    // Beside an agent they may be at the server by now; without one they wait for it.
    if (!isRunning) {
      for (const place of [0, 1, 2, 3])
        expect(await show(place)).toMatchObject({
          state: 'pending',
          idempotencyKey: rows[place]?.idempotencyKey,
        })
      agent = await start()
    }
    await eventually(() => server.received.length >= 4)
    const keyOf = Object.fromEntries(server.received.map(({ card, key }) => [card, key]))
    expect(keyOf).toEqual(
      Object.fromEntries(
        [0, 1, 2, 3].map((place) => [cardOf(70 + place), `"${String(rows[place]?.idempotencyKey)}"`]),
      ),
    )
    expect(server.received.find(({ card }) => card === cardOf(73))?.rawBody).toContain('Corregido')
    expect(await show(4)).toMatchObject({ state: 'discarded', discardReason: reason })

    const entries = await audit()
    const { username } = userInfo()
    expect(entries.filter(({ action }) => action !== 'export')).toMatchObject([
      { action: 'discard', registration: id(4), user: `maria as ${username}`, uid: process.getuid?.() },
      { action: 'fix', registration: id(3), user: username },
      { action: 'retry', registration: null, detail: 'rejected-too-large: 2', user: username },
      { action: 'retry', registration: id(0), user: username },
    ])
    expect(entries[0]).toMatchObject({ action: 'export', user: username })
    expect(textsIn(Buffer.from(JSON.stringify(entries)), personal)).toEqual([])
    expect((await queue('audit')).stdout).toMatch(/maria as \S+ +discard/)
    expect(await queue('verify')).toMatchObject({ code: 0 })
  })

  test('what was given up cannot be sent again', async () => {
    const refused = await queue('retry', id(4))
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('is discarded') as string })
    expect(await json('retry', '--all', '--json')).toEqual({ retried: 1 })
    expect(await json('retry', '--all', '--json')).toEqual({ retried: 0 })
  })
})

test('where there is no outbox, queue says so, and makes none', async () => {
  using folder = temporaryFolder('queue-none')
  const data = join(folder.path, 'agent')
  for (const args of [['list'], ['show', 'abcdef'], ['retry', '--all'], ['audit'], ['verify']])
    expect(await runProgram('agent', ['queue', ...args, '--data', data])).toMatchObject({
      code: 4,
      stdout: '',
    })
  expect(existsSync(data)).toBe(false)
})

test.each<[string[], string, RegExp]>([
  [['discard', 'abcdef'], '--reason', /not specified/],
  [['discard', 'abcdef', '--reason', '  '], 'usage', /--reason/],
  [['retry'], 'usage', /an id, or --all, or --cause/],
  [['retry', 'abcdef', '--all'], 'usage', /an id, or --all, or --cause/],
  [['list', '--state', 'odd'], 'usage', /pending, delivered, dead/],
  [['audit', '--limit', '0'], 'usage', /whole number from 1/],
])('queue %j is refused before anything is looked at', async (args, error, told) => {
  using folder = temporaryFolder('queue-wrong')
  const finished = await runProgram('agent', ['queue', ...args, '--data', join(folder.path, 'agent')])
  expectRefusal(finished, 2, error, told)
})
