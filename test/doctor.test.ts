import { chmodSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Finding } from '../agent/doctor/finding.ts'
import { Outbox } from '../agent/outbox/outbox.ts'
import { runProgram, startAgent, type Finished, type RunningProgram } from '../demo/programs.ts'
import { systemClock } from '../shared/clock.ts'
import { temporaryFolder } from './lobby.ts'

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
