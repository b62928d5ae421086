import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { QueueEntry } from '../agent/control/queue-operations.ts'
import { runProgram, startAgent, startProgram, startServer, type Finished } from '../demo/programs.ts'
import { agentStatus, cardsOnServer, eventually, temporaryFolder } from './lobby.ts'

// Programs start, die and wait for each other here; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

const columns = 'codigoClienteVLT;correo;enviarWhatsApp;enviarCorreo;enviarSms;tarjeta;nombre'
const cardOf = (row: number): string => (0x10000000 + row).toString(16).toUpperCase()
const line = (row: number): string =>
  `${String(row)};c${String(row)}@example.com;sí;no;S;${cardOf(row)};Ana "María"`
const csv = (...lines: string[]): string =>
  `${[columns, ...lines].join('\r\n')}\r\n`.replaceAll(
    /;([^;\r]*"[^;\r]*)/g,
    (_all, cell: string) => `;"${cell.replaceAll('"', '""')}"`,
  )
const manyRows = (rows: number): string[] => Array.from({ length: rows }, (_, row) => line(row))

const run = (data: string, ...args: string[]): Promise<Finished> =>
  runProgram('agent', [...args, '--data', data])
const enrol = (data: string, file: string, ...args: string[]): Promise<Finished> =>
  run(data, 'enroll', '--from', file, ...args)

/** Every queued body, oldest first. */
async function bodies(data: string): Promise<Record<string, unknown>[]> {
  const { stdout } = await run(data, 'queue', 'export', '-')
  return (JSON.parse(stdout) as { body: Record<string, unknown> }[]).map(({ body }) => body)
}
const queue = async (data: string): Promise<QueueEntry[]> =>
  JSON.parse((await run(data, 'queue', 'list', '--json')).stdout) as QueueEntry[]

describe('a list of clients', () => {
  test('is told row by row; what is sound is saved, the rest can be corrected and imported', async () => {
    using folder = temporaryFolder('list')
    const data = join(folder.path, 'agent')
    const file = join(folder.path, 'clientes.csv')
    const wrong = 'x;nobody;sí;no;quizás;A0C2B;'
    writeFileSync(
      file,
      `\uFEFF${csv(line(1), wrong, line(2), line(1), '9;a@b.com;s;s;s;;', '7;a@b.com', line(3))}`,
    )

    const dry = await enrol(data, file, '--dry-run')
    expect(dry.code).toBe(2)
    expect(dry.stdout).toContain('Filas correctas: 3; con problemas: 4')
    expect(existsSync(data)).toBe(false)
    for (const told of [
      'línea 3: codigoClienteVLT: debe ser un número entero; correo: no es un correo',
      'enviarSms: debe ser sí o no',
      'tarjeta: el UID de una tarjeta son',
      'línea 5: tarjeta: la misma tarjeta está en la línea 2',
      'línea 6: tarjeta: falta',
      'línea 7: no tiene tantos valores',
    ]) {
      expect(dry.stderr).toContain(told)
    }

    const done = await enrol(data, file, '--json')
    const rejects = join(folder.path, 'clientes.rechazados.csv')
    expect(done.code).toBe(2)
    expect(JSON.parse(done.stdout)).toEqual({ queued: 3, known: 0, rejected: 4, rejects })
    expect(statSync(rejects).mode & 0o077).toBe(0)
    expect(await bodies(data)).toMatchObject([
      {
        codigoClienteVLT: 1,
        enviarWhatsApp: true,
        enviarCorreo: false,
        tarjeta: cardOf(1),
        nombre: 'Ana "María"',
      },
      { codigoClienteVLT: 2 },
      { codigoClienteVLT: 3 },
    ])

    // What a clerk does: mends what the last column says, leaves that column alone.
    const [header = '', first = ''] = readFileSync(rejects, 'utf8').split('\n')
    expect(header).toBe(`${columns};problema`)
    const mended = first
      .replace('x;nobody', '4;ana@example.com')
      .replace('quizás', 'no')
      .replace('A0C2B', cardOf(4))
    writeFileSync(rejects, `${header}\n${mended}\n`)
    expect(JSON.parse((await enrol(data, rejects, '--json')).stdout)).toMatchObject({
      queued: 1,
      rejected: 0,
    })
    // The file that was corrected is not written over by another import of the whole list.
    expect(JSON.parse((await enrol(data, file, '--json')).stdout)).toEqual({
      queued: 0,
      known: 3,
      rejected: 4,
      rejects: join(folder.path, 'clientes.rechazados-2.csv'),
    })
    expect(readFileSync(rejects, 'utf8')).toContain('ana@example.com')
  })

  test('is the same with commas, or as lines of JSON', async () => {
    using folder = temporaryFolder('list-forms')
    const data = join(folder.path, 'agent')
    const comma = join(folder.path, 'a.csv')
    const json = join(folder.path, 'b.jsonl')
    writeFileSync(comma, csv(line(1), line(2)).replaceAll(';', ',').replace('tarjeta', 'card'))
    const client = (row: number): object => ({
      codigoClienteVLT: row,
      correo: `c${String(row)}@example.com`,
      enviarWhatsApp: true,
      enviarCorreo: false,
      enviarSms: true,
      tarjeta: cardOf(row),
      nombre: 'Ana "María"',
    })
    writeFileSync(
      json,
      [client(1), client(2), client(3)].map((one) => JSON.stringify(one)).join('\n\n') + '\n[]\n',
    )
    expect(JSON.parse((await enrol(data, comma, '--json')).stdout)).toMatchObject({ queued: 2 })
    const second = await enrol(data, json, '--json')
    expect(JSON.parse(second.stdout)).toMatchObject({ queued: 1, known: 2, rejected: 1 })
    expect(second.stderr).toContain('línea 6: no es un objeto JSON')
  })

  test.each([
    [
      'without a column for the card',
      Buffer.from(
        csv(line(1))
          .replace(';tarjeta', '')
          .replace(`;${cardOf(1)}`, ''),
      ),
      'faltan columnas: tarjeta',
    ],
    [
      'with a misspelt column',
      Buffer.from(csv(line(1)).replace('nombre', 'nonbre')),
      'columnas desconocidas: nonbre',
    ],
    ['in another encoding', Buffer.from(csv(line(1)), 'latin1'), 'no está en UTF-8'],
    ['with a quote left open', Buffer.from(`${columns}\n1;"a;s;s;s;A0C2BBCA;x\n`), 'comillas'],
    ['without anything', Buffer.from(''), 'está vacío'],
  ])('%s is refused as a whole', async (_name, bytes, told) => {
    using folder = temporaryFolder('list-refused')
    const data = join(folder.path, 'agent')
    const file = join(folder.path, 'clientes.csv')
    writeFileSync(file, bytes)
    const refused = await enrol(data, file)
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(told) as string })
    expect(refused.stderr).toContain('error list-unreadable')
    expect(existsSync(data)).toBe(false)
  })

  test('a phone’s number is refused in a list too', async () => {
    using folder = temporaryFolder('list-phone')
    const file = join(folder.path, 'a.csv')
    writeFileSync(file, csv(line(1).replace(cardOf(1), '08C2BBCA')))
    const { code, stderr } = await enrol(join(folder.path, 'agent'), file)
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('teléfono') as string })
  })
})

test('a list of 100,000 rows needs no more memory than one of 10,000', async () => {
  using folder = temporaryFolder('list-memory')
  const file = join(folder.path, 'clientes.csv')
  const told = `process.on('exit', () => process._rawDebug('peak', process.resourceUsage().maxRSS))`
  const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(told)}` }
  const peakOf = async (rows: number): Promise<number> => {
    writeFileSync(file, csv(...manyRows(rows)))
    const args = ['enroll', '--from', file, '--dry-run', '--data', join(folder.path, 'agent')]
    const { code, stderr } = await runProgram('agent', args, { env })
    expect(code).toBe(0)
    return Number(/peak (\d+)/.exec(stderr)?.[1])
  }
  expect((await peakOf(100_000)) / (await peakOf(10_000))).toBeLessThan(1.4)
})

test.each(['SIGKILL', 'SIGINT'] as const)(
  'an import that ends by %s and is repeated stores every row once',
  async (signal) => {
    using folder = temporaryFolder('list-killed')
    const data = join(folder.path, 'agent')
    const file = join(folder.path, 'clientes.csv')
    const rows = 4_000
    writeFileSync(file, csv(...manyRows(rows)))
    await using agent = await startAgent(data, { args: [] })
    const importing = startProgram('agent', ['enroll', '--from', file, '--data', data])
    await eventually(async () => (await agentStatus(data)).queue.pending > 0)
    const { stderr } = await importing.stop(signal)
    const { pending } = (await agentStatus(data)).queue
    expect(pending).toBeGreaterThan(0)
    expect(pending).toBeLessThan(rows)
    if (signal === 'SIGINT') expect(stderr).toContain('Repita la misma orden')

    const again = await enrol(data, file, '--json')
    expect(again.code).toBe(0)
    const { queued, known } = JSON.parse(again.stdout) as { queued: number; known: number }
    expect(queued + known).toBe(rows)
    const cards = (await bodies(data)).map(({ tarjeta }) => tarjeta)
    expect(cards).toEqual(Array.from({ length: rows }, (_, row) => cardOf(row)))
    for (const personal of ['María', 'example.com', cardOf(7)]) expect(agent.stderr()).not.toContain(personal)
  },
)

test('an import without an agent, killed again and again, stores every row once', async () => {
  using folder = temporaryFolder('list-killed-alone')
  const data = join(folder.path, 'agent')
  const file = join(folder.path, 'clientes.csv')
  const rows = 2_000
  writeFileSync(file, csv(...manyRows(rows)))
  // The write-ahead log grows with every part that is stored.
  const logSize = (): number => statSync(join(data, 'outbox.db-wal'), { throwIfNoEntry: false })?.size ?? 0
  let kills = 0
  for (let more = true; more;) {
    const importing = startProgram('agent', ['enroll', '--from', file, '--data', data, '--json'])
    const sizeBefore = logSize()
    const ended = importing.exited.then(() => true)
    const grown = eventually(() => logSize() > sizeBefore + 100_000).then(() => false)
    more = !(await Promise.race([ended, grown.catch(() => true)])) && kills < 5
    if (more) kills += 1
    await (more ? importing.stop('SIGKILL') : importing.exited)
  }
  expect(kills).toBeGreaterThan(0)
  const cards = (await bodies(data)).map(({ tarjeta }) => tarjeta)
  expect(cards).toEqual(Array.from({ length: rows }, (_, row) => cardOf(row)))
})

test('a list reaches the server by itself once the agent runs', async () => {
  using folder = temporaryFolder('list-server')
  const data = join(folder.path, 'agent')
  const serverData = join(folder.path, 'server')
  const file = join(folder.path, 'clientes.csv')
  writeFileSync(file, csv(...manyRows(20)))
  const saved = await enrol(data, file)
  expect(saved.code).toBe(0)
  expect(saved.stderr).toContain('El agente está detenido')
  expect(await queue(data)).toHaveLength(20)
  await using server = await startServer(serverData)
  await using _agent = await startAgent(data, { args: ['--server-url', server.url] })
  await eventually(async () => (await agentStatus(data)).queue.delivered === 20)
  await server.stop()
  expect(cardsOnServer(serverData).map(({ uid }) => uid)).toEqual(
    Array.from({ length: 20 }, (_, row) => cardOf(row)),
  )
})
