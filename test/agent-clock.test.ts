import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { QueueEntry, WholeEntry } from '../agent/control/queue-operations.ts'
import { ScriptedServer } from '../agent/sync/scripted-server.testing.ts'
import { runProgram, startAgent } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { agentStatus, eventually, temporaryFolder } from './lobby.ts'

// Programs start and wait for each other here; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

const yearsMs = 10 * 365 * 24 * 60 * 60 * 1000

/** Sets the wall clock of a program: its monotonic one is the machine's. */
function wallOffBy(ms: number): Record<string, string> {
  const code = `
    const Real = Date
    globalThis.Date = class extends Real {
      constructor(...given) { given.length === 0 ? super(Real.now() + ${String(ms)}) : super(...given) }
      static now() { return Real.now() + ${String(ms)} }
    }`
  return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(code)}` }
}

test('an agent whose clock jumps by ten years, either way and with a server, forgets nothing before its time', async () => {
  using folder = temporaryFolder('agent-clock')
  const data = join(folder.path, 'agent')
  await using server = await ScriptedServer.open()
  const args = ['--server-url', server.url, '--reader', 'simulated:lobby']
  const queue = async <T>(...given: string[]): Promise<T> =>
    JSON.parse((await runProgram('agent', ['queue', ...given, '--data', data])).stdout) as T

  for (const [life, offMs] of [0, yearsMs, 0, -yearsMs, 0].entries()) {
    await using agent = await startAgent(data, { args, env: wallOffBy(offMs) })
    // By now the agent has tended its outbox once; it does so first of all.
    const kept = await queue<QueueEntry[]>('list', '--json')
    expect(kept).toHaveLength(life)
    for (const { id } of kept)
      expect((await queue<WholeEntry>('show', id)).body).toMatchObject({ nombre: 'Brandon' })
    const card = (0x10000000 + life).toString(16).toUpperCase()
    await runProgram('agent', ['enroll', '--from', '-', '--card', card, '--data', data], {
      input: sampleClient(70 + life),
    })
    await eventually(async () => (await agentStatus(data)).queue.delivered === life + 1)
    const [newest] = await queue<QueueEntry[]>('list', '--json')
    expect(Math.abs(Date.parse(newest?.createdAt ?? '') - Date.now() - offMs)).toBeLessThan(yearsMs / 10)
    await agent.stop()
  }
})
