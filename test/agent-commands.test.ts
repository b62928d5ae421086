import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Outbox } from '../agent/outbox/outbox.ts'
import type { AgentStatus } from '../agent/status.ts'
import { ScriptedServer } from '../agent/sync/scripted-server.testing.ts'
import {
  runProgram,
  startAgent,
  startProgram,
  startServer,
  type Finished,
  type RunningProgram,
} from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { systemClock } from '../shared/clock.ts'
import { agentQueue, agentStatus, eventually, temporaryFolder } from './lobby.ts'

const agentProgram = new URL('../agent/cli.ts', import.meta.url).pathname
const run = (data: string, args: string[], input?: string): Promise<Finished> =>
  runProgram('agent', [...args, '--data', data], input === undefined ? {} : { input })

describe('with server and agent running', () => {
  const folder = temporaryFolder('commands')
  const data = join(folder.path, 'agent')
  let server: RunningProgram & { url: string }
  let agent: RunningProgram

  beforeAll(async () => {
    server = await startServer(join(folder.path, 'server'))
    agent = await startAgent(data, { args: ['--server-url', server.url, '--reader', 'simulated:lobby'] })
  })
  afterAll(async () => {
    await agent.stop()
    await server.stop()
    folder[Symbol.dispose]()
  })

  test('enroll returns while the enrolment waits, and the next tap registers it', async () => {
    const enrolled = await run(data, ['enroll', '--from', '-', '--json'], sampleClient(70))
    expect(enrolled).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"state":"waiting"') as string,
    })
    expect((await agentStatus(data)).enrolment).toMatchObject({ codigoClienteVLT: 70 })
    expect(await run(data, ['reader', 'simulate', 'tap', 'a0c2bbca'])).toMatchObject({ code: 0 })
    await eventually(async () => (await agentStatus(data)).queue.delivered === 1)
    const [entry] = await agentQueue(data)
    expect(entry).toMatchObject({
      system: 'vlt-clients',
      state: 'delivered',
      attempts: 1,
      lastError: null,
      readerId: 'simulated:lobby',
      receipt: { tarjeta: 'A0C2BBCA', mensaje: 'cliente nuevo', esDuplicado: false },
    })
  })

  test('enroll --card registers at once; again it is a duplicate with exit code 8', async () => {
    const client = join(folder.path, 'client.json')
    writeFileSync(client, sampleClient(71))
    const first = await run(data, ['enroll', '--from', client, '--card', '04:1F:38:D2:9A:5B:80', '--json'])
    expect(first.code).toBe(0)
    expect(JSON.parse(first.stdout)).toMatchObject({
      state: 'registered',
      receipt: { tarjeta: '041F38D29A5B80' },
    })
    const second = await run(data, ['enroll', '--from', client, '--card', '041F38D29A5B80', '--json'])
    expect(second.code).toBe(8)
    expect(JSON.parse(second.stdout)).toMatchObject({ state: 'duplicate', receipt: { esDuplicado: true } })
  })

  test('wrong data is refused field by field, in Spanish first, and nothing is queued', async () => {
    const before = (await agentQueue(data)).length
    const wrong =
      '{"codigoClienteVLT":"x","correo":"a","enviarWhatsApp":true,"enviarSms":false,"dni":"123456789012345678901"}'
    const { code, stderr, stdout } = await run(data, ['enroll', '--from', '-', '--wait'], wrong)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    for (const line of [
      'codigoClienteVLT: debe ser',
      'correo: no es',
      'enviarCorreo: falta',
      'dni: es demasiado largo',
    ]) {
      expect(stderr).toContain(line)
    }
    const english = await run(data, ['enroll', '--from', '-', '--language', 'en'], wrong)
    expect(english.stderr).toContain('enviarCorreo: is missing')
    expect((await agentQueue(data)).length).toBe(before)
    expect((await agentStatus(data)).waitingEnrolments).toBe(0)
  })

  test.each([
    ['no JSON', 'not json', 'input-unreadable'],
    ['a list', '[]', 'input-unreadable'],
    ['nothing', '', 'input-unreadable'],
  ])('%s as client data is refused', async (_name, input, error) => {
    expect(await run(data, ['enroll', '--from', '-'], input)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(error) as string,
    })
  })

  test('a UID of odd length is refused as --card', async () => {
    expect(await run(data, ['enroll', '--from', '-', '--card', 'A0C2B'], sampleClient(72))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('tarjeta') as string,
    })
  })

  test('a caller of enroll --wait that is interrupted leaves no enrolment behind for the next card', async () => {
    const waiting = startProgram('agent', ['enroll', '--from', '-', '--wait', '--data', data], {
      input: sampleClient(73),
    })
    await eventually(async () => (await agentStatus(data)).waitingEnrolments === 1)
    await waiting.stop('SIGINT')
    await eventually(async () => (await agentStatus(data)).waitingEnrolments === 0)
  })

  test('enroll --cancel drops what waits', async () => {
    await run(data, ['enroll', '--from', '-'], sampleClient(74))
    expect(await run(data, ['enroll', '--cancel'])).toMatchObject({ code: 0 })
    expect((await agentStatus(data)).waitingEnrolments).toBe(0)
  })

  test('an enrolment that nobody taps for is dropped with a notice', async () => {
    const { code, stdout } = await run(
      data,
      ['enroll', '--from', '-', '--wait', '--timeout', '1', '--json'],
      sampleClient(75),
    )
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ state: 'rejected', error: { code: 'enrolment-timeout' } })
  })

  test('reader monitor shows taps, rejections and the state as they come', async () => {
    const monitor = startProgram('agent', ['reader', 'monitor', '--json', '--data', data])
    await monitor.line(/"ready"/)
    await run(data, ['reader', 'simulate', 'tap', 'B1D3CCDB'])
    await monitor.line(/"type":"tap".*B1D3CCDB/)
    await run(data, ['reader', 'simulate', 'raw', String.raw`A0C2B\r\n`])
    await monitor.line(/"type":"rejected".*uid-odd-length/)
    await run(data, ['reader', 'simulate', 'unplug', '--for', '300'])
    await monitor.line(/"absent"/)
    await eventually(async () => (await agentStatus(data)).readers[0]?.state === 'ready')
    expect((await monitor.stop('SIGINT')).code).toBe(0)
  })

  test('a card that lies on the reader is one tap', async () => {
    const tapsBefore = (await agentStatus(data)).readers[0]?.taps ?? 0
    await run(data, ['reader', 'simulate', 'tap', 'C2E4DDEC', '--hold', '700'])
    expect((await agentStatus(data)).readers[0]?.taps).toBe(tapsBefore + 1)
  })

  test('a second agent on the same folder is told who holds it', async () => {
    const second = await run(data, ['run', '--page-port', '0'])
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(second.stderr).toContain(`outbox-locked`)
    expect(second.stderr).toContain(`by process ${String(agent.child.pid)}`)
  })

  test('the log holds no personal data', () => {
    expect(agent.stderr()).toContain('delivered')
    for (const personal of ['Mamani', 'example.com', 'A0C2BBCA', 'B1D3CCDB', '70000070']) {
      expect(agent.stderr()).not.toContain(personal)
    }
  })
})

test('a stop does not last as long as an outcome is shown', async () => {
  using folder = temporaryFolder('stop')
  const data = join(folder.path, 'agent')
  await using agent = await startAgent(data)
  await run(data, ['enroll', '--from', '-'], sampleClient(70))
  await run(data, ['reader', 'simulate', 'tap', 'A0C2BBCA'])
  expect((await agentStatus(data)).queue.pending).toBe(1)
  const stopped = await Promise.race([agent.stop(), delay(8_000, 'still running', { ref: false })])
  expect(stopped).toMatchObject({ code: 0 })
})

describe('with the agent stopped', () => {
  test('enroll --card saves and delivers; without a server it says "saved" with exit code 6', async () => {
    using folder = temporaryFolder('stopped')
    const data = join(folder.path, 'agent')
    await using server = await startServer(join(folder.path, 'server'))
    const card = (uid: string, url: string): Promise<Finished> =>
      run(data, ['enroll', '--from', '-', '--card', uid, '--json', '--server-url', url], sampleClient(70))

    expect(await card('A0C2BBCA', server.url)).toMatchObject({ code: 0 })
    const saved = await card('B1D3CCDB', 'http://127.0.0.1:9')
    expect(saved.code).toBe(6)
    const { registrationId } = JSON.parse(saved.stdout) as { registrationId: string }

    const status = JSON.parse((await run(data, ['status', '--json'])).stdout) as AgentStatus
    expect(status).toMatchObject({ running: false, queue: { pending: 1, delivered: 1, deadLetters: 0 } })
    expect((await run(data, ['status', '--check'])).code).toBe(4)
    const shown = JSON.parse((await run(data, ['queue', 'show', registrationId])).stdout) as { body: object }
    expect(shown.body).toMatchObject({ tarjeta: 'B1D3CCDB' })
    expect(existsSync(join(folder.path, 'nobody'))).toBe(false)
  })

  test.each(['stopped', 'running'])(
    'an interrupted enroll --card does not hide that the registration is saved: agent %s',
    async (how) => {
      using folder = temporaryFolder('interrupted')
      const data = join(folder.path, 'agent')
      await using silent = await ScriptedServer.open()
      silent.answer = () => ({ status: 201, delayMs: 60_000 })
      const server = ['--server-url', silent.url]
      await using _agent = how === 'running' ? await startAgent(data, { args: server }) : null
      const args = ['enroll', '--from', '-', '--card', 'A0C2BBCA', '--json', '--data', data, ...server]
      const enrolling = startProgram('agent', args, { input: sampleClient(70) })
      await eventually(() => silent.received.length === 1)
      const { code, stdout } = await enrolling.stop('SIGINT')
      const outcome = JSON.parse(stdout) as unknown
      expect({ code, outcome }).toMatchObject({ code: 6, outcome: { state: 'saved' } })
    },
  )

  test('a long queue is listed and exported whole, in order', async () => {
    using folder = temporaryFolder('long')
    const data = join(folder.path, 'agent')
    const rows = 1_203
    using outbox = Outbox.open(data, systemClock)
    for (let row = 0; row < rows; row++) {
      const card = (0x10000000 + row).toString(16).toUpperCase()
      outbox.append({
        system: 'vlt-clients',
        subject: String(row),
        card,
        body: `{"row":${String(row)}}`,
        readerId: null,
      })
    }
    outbox[Symbol.dispose]()
    const listed = JSON.parse((await run(data, ['queue', 'list', '--json'])).stdout) as { seq: number }[]
    expect(listed.map(({ seq }) => seq)).toEqual(Array.from({ length: rows }, (_, index) => rows - index))
    const exported = JSON.parse((await run(data, ['queue', 'export', '-'])).stdout) as {
      body: { row: number }
    }[]
    expect(exported.map(({ body }) => body.row)).toEqual(Array.from({ length: rows }, (_, index) => index))
    const some = JSON.parse(
      (await run(data, ['queue', 'list', '--json', '--limit', '7'])).stdout,
    ) as unknown[]
    expect(some).toHaveLength(7)
  })

  test('output that cannot be written is a failure, output that nobody reads is none', async () => {
    using folder = temporaryFolder('output')
    const data = join(folder.path, 'agent')
    await run(
      data,
      ['enroll', '--from', '-', '--card', 'A0C2BBCA', '--server-url', 'http://127.0.0.1:9'],
      sampleClient(70),
    )
    const shell = (redirection: string): number | null =>
      spawnSync('sh', [
        '-c',
        `"$0" "$1" queue export - --data "$2" ${redirection}`,
        process.execPath,
        agentProgram,
        data,
      ]).status
    expect(shell('> /dev/full')).toBe(1)
    expect(shell('| head -c 1')).toBe(0)
  })

  test('enroll without --card says that no agent runs', async () => {
    using folder = temporaryFolder('stopped')
    expect(await run(join(folder.path, 'agent'), ['enroll', '--from', '-'], sampleClient(70))).toMatchObject({
      code: 4,
    })
  })

  test('looking into a folder that holds nothing makes nothing there', async () => {
    using folder = temporaryFolder('stopped')
    const data = join(folder.path, 'misspelt')
    expect(await run(data, ['status'])).toMatchObject({ code: 4 })
    expect(existsSync(data)).toBe(false)
  })

  test('dead letters can be listed, retried under the same key, exported and discarded', async () => {
    using folder = temporaryFolder('dead')
    const data = join(folder.path, 'agent')
    // A server that takes no body larger than nothing: 404 would pause, 413 buries.
    await using refusing = await ScriptedServer.open()
    refusing.answer = () => ({ status: 422, body: '{"message":"The dni field is wrong."}' })
    const rejected = await run(
      data,
      ['enroll', '--from', '-', '--card', 'A0C2BBCA', '--json', '--server-url', refusing.url],
      sampleClient(70),
    )
    expect(rejected.code).toBe(1)
    expect(JSON.parse(rejected.stdout)).toMatchObject({
      state: 'rejected',
      error: { code: 'rejected-invalid' },
    })

    const listed = JSON.parse((await run(data, ['queue', 'list', '--json', '--state', 'dead'])).stdout) as {
      id: string
    }[]
    expect(listed).toMatchObject([
      { state: 'dead', lastError: 'rejected-invalid', receipt: { message: 'The dni field is wrong.' } },
    ])
    const id = listed[0]?.id ?? ''

    await using agent = await startAgent(data, { args: ['--server-url', refusing.url] })
    expect((await run(data, ['status', '--check'])).code).toBe(9)
    expect(await run(data, ['queue', 'retry', id])).toMatchObject({ code: 0 })
    await eventually(() => refusing.received.length === 2)
    expect(new Set(refusing.received.map(({ key }) => key)).size).toBe(1)
    await eventually(async () => (await agentStatus(data)).queue.deadLetters === 1)
    await agent.stop()

    const file = join(folder.path, 'export.json')
    expect(await run(data, ['queue', 'export', file])).toMatchObject({ code: 0 })
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject([
      { id, body: { codigoClienteVLT: 70, tarjeta: 'A0C2BBCA' } },
    ])
    expect(statSync(file).mode & 0o077).toBe(0)
    expect(await run(data, ['queue', 'export', file])).toMatchObject({ code: 2 })

    expect(await run(data, ['queue', 'discard', id])).toMatchObject({ code: 2 })
    expect(await run(data, ['queue', 'discard', id, '--reason', 'enrolled again'])).toMatchObject({ code: 0 })
    expect(await run(data, ['queue', 'retry', id])).toMatchObject({ code: 1 })
    expect(await run(data, ['queue', 'verify'])).toMatchObject({ code: 0 })
    expect(await run(data, ['queue', 'show', 'nobody'])).toMatchObject({ code: 2 })
  })

  test('a damaged outbox is salvaged at the next start, and what was lost is told', async () => {
    using folder = temporaryFolder('damage')
    const data = join(folder.path, 'agent')
    const saved = await run(
      data,
      ['enroll', '--from', '-', '--card', 'A0C2BBCA', '--server-url', 'http://127.0.0.1:9'],
      sampleClient(70),
    )
    expect(saved.code).toBe(6)
    truncateSync(join(data, 'outbox.db'), 4096)
    await using agent = await startAgent(data, { args: [] })
    expect(agent.stderr()).toContain('outbox-corrupt')
    const { queue } = await agentStatus(data)
    expect(queue).toMatchObject({
      ...{ pending: 0, lost: 1, lastRecovery: { salvaged: 0, lost: 1 } },
      watermark: { accepted: 1, lost: 1 },
    })
    expect((await agent.stop()).code).toBe(0)
    expect(await run(data, ['queue', 'recover'])).toMatchObject({ code: 0 })
  })
})

describe('wrong calls', () => {
  test.each([
    [['nonsense'], 2],
    [['run', '--nonsense'], 2],
    [['queue', 'list', '--limit', '0'], 2],
    [['queue', 'retry'], 2],
    [['reader', 'simulate', 'tap', 'A0C2B'], 2],
    [['run', '--page-port', '70000'], 3],
    [['run', '--server-url', 'example.com'], 3],
    [['run', '--server-url', 'http://192.168.0.7:8080'], 3],
    [['run', '--reader', 'serial-lime:/dev/ttyUSB0'], 3],
    [['run', '--reader', 'serial-line:/dev/ttyUSB0?baud=9600'], 3],
    [['run', '--config', '/nonexistent.json'], 3],
    [['run', '--reader', 'simulated:a', '--reader', 'simulated:a'], 3],
  ])('%j ends with %i, says what to do, and prints no stack', async (args, code) => {
    using folder = temporaryFolder('wrong')
    const finished = await run(join(folder.path, 'agent'), args)
    expect(finished).toMatchObject({ code, stdout: '' })
    expect(finished.stderr).toMatch(/^error/m)
    expect(finished.stderr).not.toMatch(/^\s+at /m)
    rmSync(join(folder.path, 'agent'), { recursive: true, force: true })
  })

  test('a data folder that cannot be used is named', async () => {
    using folder = temporaryFolder('wrong')
    writeFileSync(join(folder.path, 'file'), '')
    expect(await run(join(folder.path, 'file'), ['run', '--page-port', '0'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('data-folder-unusable') as string,
    })
  })
})
