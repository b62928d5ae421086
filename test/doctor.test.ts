import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Finding } from '../agent/doctor/finding.ts'
import { Outbox } from '../agent/outbox/outbox.ts'
import { ScriptedServer } from '../agent/sync/scripted-server.testing.ts'
import { runProgram, startAgent, type Finished, type RunningProgram } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { systemClock } from '../shared/clock.ts'
import { agentStatus, eventually, temporaryFolder } from './lobby.ts'

// Programs start and wait for each other here; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

const doctor = (data: string, ...args: string[]): Promise<Finished> =>
  runProgram('agent', ['doctor', ...args, '--data', data])

async function findings(data: string, ...args: string[]): Promise<Record<string, Finding>> {
  const { stdout } = await doctor(data, '--json', ...args)
  const { checks } = JSON.parse(stdout) as { checks: Finding[] }
  return Object.fromEntries(checks.map((check) => [check.id, check]))
}

describe('beside a running agent', () => {
  const folder = temporaryFolder('doctor')
  const data = join(folder.path, 'agent')
  let agent: RunningProgram

  beforeAll(async () => {
    agent = await startAgent(data)
  })
  afterAll(async () => {
    await agent.stop()
    folder[Symbol.dispose]()
  })

  test('every check is a line, the time of a sync among them; what is not well has a hint', async () => {
    const { code, stdout, stderr } = await doctor(data)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^(ok|warn) {2,4}disk-sync +median \d+\.\d{3} ms, slowest \d+\.\d{3} ms/m)
    for (const id of ['node', 'data-folder', 'outbox-durable', 'outbox-keys', 'agent', 'reader'])
      expect(stdout).toMatch(new RegExp(`^ok +${id} `, 'm'))
    // It has no server.
    expect(stdout).toMatch(/^warn +server .*server-not-configured\n +-> \S/m)
  })

  test('the bundle is a new file for this user alone, with status, checks and settings', async () => {
    const bundle = join(folder.path, 'bundle.json')
    expect(await doctor(data, '--bundle', bundle)).toMatchObject({ code: 0 })
    expect(statSync(bundle).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(bundle, 'utf8'))).toMatchObject({
      checks: expect.arrayContaining([expect.objectContaining({ id: 'disk-sync' })]) as unknown,
      status: { running: true, queue: { pending: 0 }, enrolmentSince: null },
      settings: { data },
      files: expect.arrayContaining([expect.objectContaining({ name: 'outbox.db' })]) as unknown,
    })
    const again = await doctor(data, '--bundle', bundle)
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('is there already') as string })
  })
})

test('where nothing is yet, doctor says what to start, and makes nothing', async () => {
  using folder = temporaryFolder('doctor-nothing')
  const found = await findings(join(folder.path, 'agent'))
  expect(found['data-folder']).toMatchObject({
    level: 'warn',
    detail: expect.stringContaining('not there') as string,
  })
  expect(found['agent']?.hint).toContain('vlt-agent run')
  expect(() => statSync(join(folder.path, 'agent'))).toThrow()
})

test('with the agent stopped it looks into the outbox itself; a fault ends it with 1 and its hint', async () => {
  using folder = temporaryFolder('doctor-stopped')
  const data = join(folder.path, 'agent')
  {
    using outbox = Outbox.open(data, systemClock)
    const row = { system: 'vlt-clients', subject: '1', card: '', body: '{}', readerId: null } as const
    outbox.markDead(outbox.append(row).id, 'rejected-invalid', null)
  }
  chmodSync(data, 0o755)
  const found = await findings(data)
  expect(found['agent']).toMatchObject({ level: 'warn', detail: 'not running' })
  expect(found['data-folder']?.hint).toContain(`chmod 700 ${data}`)
  expect(found['outbox-dead-letters']).toMatchObject({ level: 'warn', detail: '1 rejected-invalid' })

  renameSync(join(data, 'outbox-keys.json'), join(folder.path, 'elsewhere'))
  const broken = await doctor(data)
  expect(broken.code).toBe(1)
  expect(broken.stdout).toMatch(/^fail +outbox +outbox-key-missing: .*\n +-> Restore outbox-keys\.json/m)
})

test('an outbox that fills up is told from 70 %, refuses at 100 %, drops nothing, and is well again once drained', async () => {
  using folder = temporaryFolder('doctor-fill')
  const data = join(folder.path, 'agent')
  const args = ['--outbox-max-rows', '10', '--reader', 'simulated:lobby']
  const run = (...given: string[]): Promise<Finished> => runProgram('agent', [...given, '--data', data])
  const list = join(folder.path, 'clientes.jsonl')
  let clients = 0
  const add = (count: number): Promise<Finished> => {
    const lines = Array.from({ length: count }, () => {
      const card = (0x10000000 + ++clients).toString(16).toUpperCase()
      return JSON.stringify({ ...(JSON.parse(sampleClient(clients)) as object), tarjeta: card })
    })
    writeFileSync(list, lines.join('\n'))
    return run('enroll', '--from', list)
  }
  const told = async (): Promise<[string | undefined, string | undefined]> => [
    /outbox \d+ % full/.exec((await run('status')).stdout)?.[0],
    (await findings(data))['outbox-fill']?.level,
  ]
  {
    await using agent = await startAgent(data, { args: [...args, '--server-url', 'http://127.0.0.1:9'] })
    await add(6)
    expect(await told()).toEqual([undefined, 'ok'])
    await add(1)
    expect(await told()).toEqual(['outbox 70 % full', 'warn'])
    await add(2)
    expect(await told()).toEqual(['outbox 90 % full', 'fail'])
    await add(1)
    expect(await told()).toEqual(['outbox 100 % full', 'fail'])
    expect((await doctor(data)).stdout).toMatch(
      /^fail +outbox-fill +100 %: 10 of 10 rows.*\n +-> Bring the server back/m,
    )
    const refused = await add(1)
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/outbox-full.*\nhint: /) as string,
    })
    expect((await agentStatus(data)).queue).toMatchObject({ pending: 10, watermark: { accepted: 10 } })
    await agent.stop()
  }
  await using server = await ScriptedServer.open()
  await using _agent = await startAgent(data, { args: [...args, '--server-url', server.url] })
  await eventually(async () => (await agentStatus(data)).queue.pending === 0)
  expect(await told()).toEqual([undefined, 'ok'])
  expect(server.cards()).toHaveLength(10)
  expect(await add(1)).toMatchObject({ code: 0 })
})
