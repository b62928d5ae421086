/** The lobby screen as systemd starts it: the command of its unit, for real, with cage and Chromium, on a running agent. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { kill } from 'node:process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAgent, type RunningProgram } from '../demo/programs.ts'
import { temporaryFolder } from '../test/lobby.ts'
import { KioskSession, unitSetting } from './kiosk-session.testing.ts'

const folder = temporaryFolder('session')
const secretFile = join(folder.path, 'page-secret')
let port: number
let agent: RunningProgram
beforeAll(async () => {
  writeFileSync(secretFile, randomBytes(36).toString('base64'), { mode: 0o600 })
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  port = (probe.address() as AddressInfo).port
  probe.close()
  agent = await startAgent(join(folder.path, 'agent'), {
    args: ['--reader', 'simulated:lobby', '--page-port', String(port), '--page-secret-file', secretFile],
  })
})
afterAll(async () => {
  await agent.stop('SIGKILL')
  folder[Symbol.dispose]()
})

interface PageHealth {
  isAlive: boolean
  /** Since the last word of a page, in milliseconds. */
  ageMs: number | null
}

const health = async (): Promise<PageHealth> =>
  (await (await fetch(`http://127.0.0.1:${String(port)}/health/page`)).json()) as PageHealth

/** A word that came after this moment. */
async function heardFrom(session: KioskSession): Promise<void> {
  const sinceMs = performance.now()
  const isHeard = async (): Promise<boolean> => {
    const { ageMs } = await health()
    return ageMs !== null && ageMs < performance.now() - sinceMs
  }
  await expect.poll(isHeard, { timeout: 30_000, interval: 200, message: session.stderr }).toBe(true)
}

test(
  'it shows the page, which says that it lives, and ends when it is told to',
  { timeout: 120_000 },
  async () => {
    await using session = new KioskSession({ port, secretFile })
    await heardFrom(session)
    expect(session.chromium('browser')).toHaveLength(1)
    session.stop()
    expect(await session.ended).toBe(0)
    expect(session.chromium('browser')).toEqual([])
  },
)

test.each([
  ['the browser is killed', 'browser', 'SIGKILL'],
  ['the page crashes', 'renderer', 'SIGKILL'],
  ['the page hangs', 'renderer', 'SIGSTOP'],
] as const)('when %s it ends, and systemd begins anew', { timeout: 180_000 }, async (_, type, signal) => {
  {
    await using session = new KioskSession({ port, secretFile })
    await heardFrom(session)
    for (const pid of session.chromium(type)) kill(pid, signal)
    expect(await session.ended).toBe(1)
    expect(session.stderr).toContain('page-silent')
  }
  expect(unitSetting('Restart')).toEqual(['always'])
  await using next = new KioskSession({ port, secretFile })
  await heardFrom(next)
})
