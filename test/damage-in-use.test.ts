import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { call } from '../agent/control/client.ts'
import { socketPath } from '../agent/control/protocol.ts'
import { Outbox } from '../agent/outbox/outbox.ts'
import type { Verification } from '../agent/outbox/verify.ts'
import type { Snapshot } from '../agent/page/protocol.ts'
import { runProgram, startAgent } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { systemClock } from '../shared/clock.ts'
import { agentStatus, temporaryFolder } from './lobby.ts'

// Programs start and wait for each other here; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 240_000 })

const noServer = ['--server-url', 'http://127.0.0.1:9', '--reader', 'simulated:lobby']

function fill(data: string, rows: number): void {
  using outbox = Outbox.open(data, systemClock)
  for (let row = 0; row < rows; row += 500) {
    outbox.appendOnce(
      Array.from({ length: 500 }, (_, place) => ({
        ...{ system: 'vlt-clients', subject: String(row + place), card: '', readerId: null },
        body: JSON.stringify({ row: row + place, text: 'x'.repeat(400) }),
      })),
    )
  }
}

/** The screen in the lobby: once this has resolved it is told everything; `until` the agent tells it nothing more. */
async function watchScreen(pageUrl: string): Promise<{ until: Promise<string[]> }> {
  const entered = await fetch(pageUrl)
  const cookie = entered.headers.get('set-cookie')?.split(';')[0] ?? ''
  const events = await fetch(new URL('/events', pageUrl), { headers: { cookie } })
  return { until: screensIn(events) }
}

async function screensIn({ body }: Response): Promise<string[]> {
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of body ?? []) text += decoder.decode(chunk as Uint8Array, { stream: true })
  } catch {
    // Broken off.
  }
  return [...text.matchAll(/^data: ?(.*)$/gm)].map(
    ([, data = '']) => (JSON.parse(data) as Snapshot).screen.name,
  )
}

test('a running agent whose disk turns out damaged says so, ends with a code, and goes on at its next start', async () => {
  using folder = temporaryFolder('damage-in-use')
  const data = join(folder.path, 'agent')
  const rows = 40_000
  fill(data, rows)
  await using agent = await startAgent(data, { args: noServer })
  const { pageUrl, queue: before } = await agentStatus(data)
  expect(before.pending).toBe(rows)
  const screens = await watchScreen(pageUrl ?? '')

  const path = join(data, 'outbox.db')
  const file = openSync(path, 'r+')
  // More than SQLite has in memory.
  const pages = Math.floor(statSync(path).size / 4096)
  for (let page = Math.floor(pages / 4); page < 0.95 * pages; page++)
    writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, page * 4096)
  closeSync(file)
  // Whoever reads these rows notices, be it the agent by itself.
  const refused = call(socketPath(data), 'queue.verify')
  await expect(refused).rejects.toMatchObject({
    code: expect.stringMatching(/^(outbox-corrupt|agent-stopping|agent-unreachable)$/) as string,
  })

  const ended = await agent.exited
  expect(ended.code).toBe(1)
  expect(ended.stderr).toMatch(/^error outbox-corrupt: .*\nhint: Start the agent again/m)
  expect(ended.stderr).toContain('out of service')
  expect((await screens.until).at(-1)).toBe('cannot-store')

  await using again = await startAgent(data, { args: noServer })
  expect(again.stderr()).toContain('outbox-corrupt')
  const { queue } = await agentStatus(data)
  const { salvaged = 0, lost = 0 } = queue.lastRecovery ?? {}
  expect(lost).toBeGreaterThan(0)
  expect(salvaged + lost).toBe(rows)
  expect(queue).toMatchObject({ pending: salvaged, lost })
  const args = ['enroll', '--from', '-', '--card', 'A0C2BBCA', '--data', data]
  expect(await runProgram('agent', args, { input: sampleClient(70) })).toMatchObject({ code: 6 })
})

test('a tap is accepted while an agent verifies 100,000 rows', async () => {
  using folder = temporaryFolder('verify-in-use')
  const data = join(folder.path, 'agent')
  const rows = 100_000
  fill(data, rows)
  await using _agent = await startAgent(data, { args: noServer })
  let isVerified = false
  const verifying = call(socketPath(data), 'queue.verify').finally(() => (isVerified = true))
  let saved = 0
  while (!isVerified) {
    const hungUp = new AbortController()
    const onEvent = (): void => {
      if (!isVerified) saved += 1
      hungUp.abort()
    }
    const params = { client: sampleClient(70), card: (0x10000000 + saved).toString(16).toUpperCase() }
    await call(socketPath(data), 'enroll.card', params, { onEvent, signal: hungUp.signal }).catch(
      (error: unknown) => {
        if (!hungUp.signal.aborted) throw error
      },
    )
  }
  const { problems, accepted } = (await verifying) as Verification
  expect({ problems, accepted }).toEqual({ problems: [], accepted: rows })
  expect(saved).toBeGreaterThan(10)
})
