import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { Outbox } from '../outbox/outbox.ts'
import { agentStatus, type AgentStatus } from '../status.ts'
import { examine } from './finding.ts'
import { checkFolder, checkNode, checkSpace, checkSync } from './machine.ts'
import { outboxFindings, type OutboxCondition } from './outbox.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'doctor-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

describe('the machine', () => {
  test.each([
    ['a disk that takes its time', Array<number>(20).fill(3), 'ok', 'median 3.000 ms, slowest 3.000 ms'],
    ['one slow answer is no slow disk', [...Array<number>(19).fill(3), 400], 'ok', 'slowest 400.000 ms'],
    ['a disk that keeps people waiting', Array<number>(20).fill(80), 'warn', 'median 80.000 ms'],
    ['a disk that cannot have written', Array<number>(20).fill(0.004), 'warn', 'implausibly fast'],
  ])('%s: %j', (_name, times, level, detail) => {
    expect(checkSync(folder, times)).toMatchObject({
      level,
      detail: expect.stringContaining(detail) as string,
      hint: level === 'ok' ? '' : (expect.stringContaining('disk') as string),
    })
  })

  test('the disk under the folder is asked itself', () => {
    const { detail } = checkSync(folder)
    expect(Number(/median (\d+\.\d{3}) ms/.exec(detail)?.[1])).toBeGreaterThan(0)
  })

  test.each([
    [1_000, 'ok'],
    [200, 'warn'],
    [63, 'fail'],
  ])('%i MiB free above a floor of 64: %s', (free, level) => {
    expect(checkSpace(folder, 64, { bavail: free * 256, bsize: 4_096 }).level).toBe(level)
  })

  test('a folder that others may enter is told with the command that closes it', () => {
    expect(checkFolder(folder).level).toBe('ok')
    chmodSync(folder, 0o755)
    expect(checkFolder(folder)).toMatchObject({
      level: 'warn',
      hint: expect.stringContaining('chmod 700') as string,
    })
  })

  test('an old Node.js is told', () => {
    expect(checkNode('v20.19.2').level).toBe('fail')
    expect(checkNode('v24.1.0').level).toBe('ok')
  })

  test('a check that cannot be made is a finding, not a crash', () => {
    expect(examine('data-folder', () => checkFolder(join(folder, 'nowhere')))).toMatchObject({
      level: 'fail',
      detail: 'could not be checked (ENOENT)',
    })
  })
})

describe('the outbox', () => {
  const sound: OutboxCondition = {
    ...{ sqlite: '3.53.4', synchronous: 2, journalMode: 'wal', ballast: true, causes: {} },
    keys: [{ number: 1, createdAt: '2026-01-01T00:00:00.000Z' }],
  }
  const now = '2026-06-01T00:00:00.000Z'

  function queue(change: (queue: AgentStatus['queue']) => object = () => ({})): AgentStatus['queue'] {
    using outbox = Outbox.open(folder, systemClock)
    const { queue: fresh } = agentStatus({
      ...{ running: true, readers: [], outbox, kiosk: null, desk: undefined },
      ...{ pageUrl: null, pageHeartbeatAgeMs: null, server: {} as AgentStatus['server'] },
    })
    return { ...fresh, ...change(fresh) }
  }
  const of = (id: string, found = queue(), condition = sound) =>
    outboxFindings(found, condition, now).find((finding) => finding.id === id)

  test('nothing is said of a sound one', () => {
    const findings = outboxFindings(queue(), sound, now)
    expect(findings.map(({ level, hint }) => ({ level, hint }))).toEqual(
      findings.map(() => ({ level: 'ok', hint: '' })),
    )
  })

  test.each<[string, string, Partial<OutboxCondition>]>([
    ['outbox-durable', 'fail', { synchronous: 1 }],
    ['outbox-durable', 'fail', { journalMode: 'delete' }],
    ['outbox-durable', 'fail', { sqlite: '3.51.2' }],
    ['outbox-ballast', 'warn', { ballast: false }],
    ['outbox-keys', 'warn', { keys: [{ number: 1, createdAt: '2025-01-01T00:00:00.000Z' }] }],
  ])('%s: %s for %j, with a hint', (id, level, change) => {
    const finding = of(id, queue(), { ...sound, ...change })
    expect(finding?.level).toBe(level)
    expect(finding?.hint).not.toBe('')
  })

  test.each<[string, string, (queue: AgentStatus['queue']) => Partial<AgentStatus['queue']>]>([
    ['outbox-conservation', 'fail', ({ watermark }) => ({ watermark: { ...watermark, accepted: 3 } })],
    ['outbox-damage', 'warn', () => ({ lost: 1 })],
    ['outbox-fill', 'warn', ({ fill }) => ({ fill: { ...fill, level: 'warn', percent: 70 } })],
    ['outbox-fill', 'fail', ({ fill }) => ({ fill: { ...fill, level: 'alarm', percent: 90 } })],
    ['outbox-fill', 'fail', ({ fill }) => ({ fill: { ...fill, level: 'full', percent: 100 } })],
    ['outbox-backlog', 'warn', () => ({ pending: 1, oldestPendingSeconds: 90_000 })],
    ['outbox-dead-letters', 'warn', () => ({ deadLetters: 2 })],
  ])('%s: %s, with a hint', (id, level, change) => {
    const finding = of(id, queue(change), { ...sound, causes: { 'rejected-invalid': 2 } })
    expect(finding?.level).toBe(level)
    expect(finding?.hint).not.toBe('')
  })
})
