import { cpSync, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { call } from '../agent/control/client.ts'
import { socketPath } from '../agent/control/protocol.ts'
import type { Outcome } from '../agent/enrolment/registrar.ts'
import { thisUser } from '../agent/outbox/audit.ts'
import { Outbox } from '../agent/outbox/outbox.ts'
import { CuttableNetwork } from '../demo/cuttable-network.ts'
import { runProgram, startAgent, startServer } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { systemClock } from '../shared/clock.ts'
import { agentStatus, cardsOnServer, eventually, temporaryFolder } from './lobby.ts'

const manyRequests = ['--vlt-rate-limit', '1000000', '--kiosk-rate-limit', '1000000']

async function vltServer(data: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram('server', [...args, '--data', data])
  if (code !== 0) throw new Error(stderr)
  return stdout.trim()
}

const newCode = (data: string, ...args: string[]): Promise<string> =>
  vltServer(data, 'kiosk', 'code', ...args)

const joined = async (agentData: string, url: string, code: string): Promise<void> => {
  const { code: exit, stderr } = await runProgram(
    'agent',
    [...['--data', agentData, 'join', '--server-url', url], ...['--code-file', '-']],
    { input: code },
  )
  if (exit !== 0) throw new Error(stderr)
}

const casesOf = async (data: string): Promise<{ kind: string; kioskId: number; details: unknown }[]> =>
  JSON.parse(await vltServer(data, 'case', 'list', '--json')) as []

/** A client with a card of its own is in the outbox once this resolves. */
async function tap(agentData: string, n: number): Promise<void> {
  const saved = new AbortController()
  const onEvent = (event: unknown): void => {
    if ((event as Outcome).state === 'saved') saved.abort()
  }
  const params = { client: sampleClient(n), card: (0x10000000 + n).toString(16) }
  await call(socketPath(agentData), 'enroll.card', params, { onEvent, signal: saved.signal }).catch(
    (error: unknown) => {
      if (!saved.signal.aborted) throw error
    },
  )
}

/** Puts registrations into the outbox of an agent that does not run. */
function fill(agentData: string, from: number, count: number): void {
  using outbox = Outbox.open(agentData, systemClock)
  for (let n = from; n < from + count; n++) {
    const card = (0x10000000 + n).toString(16).toUpperCase()
    const body = JSON.stringify({ ...(JSON.parse(sampleClient(n)) as object), tarjeta: card })
    outbox.append({ system: 'vlt-clients', subject: String(n), card, body, readerId: null })
  }
}

const tryNow = (agentData: string): Promise<unknown> =>
  call(socketPath(agentData), 'queue.retry', { actor: thisUser() })

test(
  'a backlog drains in batches, each registration once, whoever is killed and whichever way it goes',
  { timeout: 240_000 },
  async () => {
    using folder = temporaryFolder('kiosk-drain')
    const [agentData, serverData] = [join(folder.path, 'agent'), join(folder.path, 'server')]
    const serverOptions = { args: manyRequests }
    let server = await startServer(serverData, serverOptions)
    await using network = new CuttableNetwork(server.url)
    await network.join()
    const port = Number(new URL(server.url).port)
    const agentOptions = { args: ['--server-url', network.url, '--reader', 'simulated:lobby'] }
    let agent = await startAgent(agentData, agentOptions)
    try {
      await joined(agentData, network.url, await newCode(serverData, '--name', 'Lobby'))
      expect(await agentStatus(agentData)).toMatchObject({
        kiosk: { id: 1, name: 'Lobby', state: 'pending' },
      })
      expect(statSync(join(agentData, 'kiosk.json')).mode & 0o777).toBe(0o600)
      // Not yet let in: one by one, as every lobby machine may.
      await tap(agentData, 1)
      await eventually(async () => (await agentStatus(agentData)).queue.delivered === 1)
      expect((await agentStatus(agentData)).server).toMatchObject({
        ...{ delivery: 'documented', deliveryReason: 'kiosk-pending', state: 'online' },
      })

      await network.cut()
      for (let n = 2; n <= 1_001; n++) await tap(agentData, n)
      await agent.stop('SIGKILL')
      fill(agentData, 1_002, 1_500)
      await vltServer(serverData, 'kiosk', 'activate', '1')

      for (let kill = 0; kill < 6; kill++) {
        agent = await startAgent(agentData, agentOptions)
        await network.join()
        await tryNow(agentData)
        await delay(150 + Math.random() * 250)
        if (kill % 2 === 0) {
          await agent.stop('SIGKILL')
          continue
        }
        await server.stop('SIGKILL')
        await agent.stop('SIGKILL')
        server = await startServer(serverData, { ...serverOptions, port })
      }
      agent = await startAgent(agentData, agentOptions)
      await eventually(async () => (await agentStatus(agentData)).queue.pending === 0, 60_000)
      const { queue, server: way, kiosk } = await agentStatus(agentData)
      expect(queue).toMatchObject({ delivered: 2_501, deadLetters: 0 })
      expect([way.delivery, kiosk?.state]).toEqual(['batches', 'active'])
      const reported = async () => {
        const [one] = JSON.parse(await vltServer(serverData, 'kiosk', 'list', '--json')) as {
          report: { delivered: number; taken: number; documented: number } | null
        }[]
        return one?.report
      }
      // The next report is at most a minute away; another start makes it now.
      await agent.stop()
      agent = await startAgent(agentData, agentOptions)
      await eventually(async () => (await reported())?.delivered === 2_501)
      expect(await casesOf(serverData)).toEqual([])
      await agent.stop()
      await server.stop()
      const stored = cardsOnServer(serverData)
      expect(stored).toHaveLength(2_501)
      expect(stored.filter(({ consents }) => consents !== 3)).toEqual([])
    } finally {
      await agent.stop('SIGKILL')
      await server.stop('SIGKILL')
    }
  },
)

test(
  'a copied data folder locks both, loses nothing, and the right one comes back by a new code',
  { timeout: 120_000 },
  async () => {
    using folder = temporaryFolder('kiosk-clone')
    const serverData = join(folder.path, 'server')
    const [one, two] = [join(folder.path, 'one'), join(folder.path, 'two')]
    await using server = await startServer(serverData, { args: manyRequests })
    await joined(one, server.url, await newCode(serverData, '--activate'))
    {
      // The server is the one that was joined: no --server-url is needed.
      await using agent = await startAgent(one)
      await tap(one, 1)
      await eventually(async () => (await agentStatus(one)).queue.delivered === 1)
      await agent.stop()
    }
    cpSync(one, two, { recursive: true })
    {
      await using _one = await startAgent(one)
      await using _two = await startAgent(two)
      const lockedOf = async (data: string, n: number): Promise<boolean> => {
        await tap(data, n)
        await tryNow(data)
        return (await agentStatus(data)).server.reason === 'kiosk-locked'
      }
      let n = 10
      await eventually(async () => {
        const locked = [await lockedOf(one, n++), await lockedOf(two, n++)]
        return locked.every(Boolean)
      })
      for (const data of [one, two]) {
        const { queue, server: way, kiosk } = await agentStatus(data)
        expect([way.state, kiosk?.state]).toEqual(['paused', 'locked'])
        expect([queue.pending > 0, queue.deadLetters]).toEqual([true, 0])
      }
      const told = await runProgram('agent', ['--data', one, 'status'])
      expect(told.stdout).toContain('kiosk-locked: Two machines use the key of this kiosk')
      expect(await casesOf(serverData)).toMatchObject([{ kind: 'kiosk-cloned', kioskId: 1 }])

      await joined(one, server.url, await newCode(serverData, '--kiosk', '1', '--activate'))
      await eventually(async () => (await agentStatus(one)).queue.pending === 0)
      expect(await agentStatus(one)).toMatchObject({
        kiosk: { id: 1, state: 'active' },
        server: { state: 'online' },
      })
      await tryNow(two)
      await eventually(async () => (await agentStatus(two)).server.reason === 'kiosk-key-unknown')
    }
    await server.stop()
    const uids = cardsOnServer(serverData).map(({ uid }) => uid)
    expect(new Set(uids).size).toBe(uids.length)
  },
)

test(
  'a revoked kiosk waits with all it holds; leaving it is refused until that is taken out',
  { timeout: 120_000 },
  async () => {
    using folder = temporaryFolder('kiosk-revoked')
    const [data, serverData] = [join(folder.path, 'agent'), join(folder.path, 'server')]
    await using server = await startServer(serverData, { args: manyRequests })
    await joined(data, server.url, await newCode(serverData, '--activate'))
    await using agent = await startAgent(data)
    await vltServer(serverData, 'kiosk', 'revoke', '1')
    await tap(data, 1)
    await eventually(async () => (await agentStatus(data)).server.reason === 'kiosk-revoked')
    expect((await agentStatus(data)).queue).toMatchObject({ pending: 1, deadLetters: 0 })

    const leave = (...args: string[]) => runProgram('agent', ['--data', data, 'leave', ...args])
    const refused = await leave()
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining('error leave-refused') as string,
    ])
    const file = join(folder.path, 'unsent.json')
    expect((await leave('--export', file)).code).toBe(0)
    const [entry] = JSON.parse(readFileSync(file, 'utf8')) as { body: { codigoClienteVLT: number } }[]
    expect(entry?.body.codigoClienteVLT).toBe(1)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(existsSync(join(data, 'kiosk.json'))).toBe(false)
    expect((await agentStatus(data)).kiosk).toBeNull()
    expect((await leave()).code).toBe(3)
    await agent.stop()
  },
)

test('a key is replaced while the agent delivers', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder('kiosk-key')
  const [data, serverData] = [join(folder.path, 'agent'), join(folder.path, 'server')]
  await using server = await startServer(serverData, { args: manyRequests })
  await joined(data, server.url, await newCode(serverData, '--activate'))
  fill(data, 1, 2_000)
  await using agent = await startAgent(data)
  const before = (await agentStatus(data)).kiosk?.fingerprint
  const { code } = await runProgram('agent', ['--data', data, 'join', '--rotate'])
  expect(code).toBe(0)
  await eventually(async () => (await agentStatus(data)).queue.pending === 0)
  const { kiosk, queue } = await agentStatus(data)
  expect(kiosk?.fingerprint).not.toBe(before)
  expect(queue).toMatchObject({ delivered: 2_000, deadLetters: 0 })
  await agent.stop()
  await server.stop()
  expect(cardsOnServer(serverData)).toHaveLength(2_000)
})

test.each([
  [
    'a code that is none',
    (url: string) => ['--server-url', url, '--code', '7K2Q-9FMX-4TBA'],
    7,
    'join-code-refused',
  ],
  ['no code', (url: string) => ['--server-url', url], 2, 'usage'],
  ['no server', () => ['--code', 'x'], 3, 'server-not-configured'],
  [
    'a server in clear text elsewhere',
    () => ['--server-url', 'http://192.0.2.1', '--code', 'x'],
    3,
    'config-invalid',
  ],
  ['nothing to rotate', () => ['--rotate'], 3, 'kiosk-not-joined'],
])('join with %s is refused, and nothing is kept', async (_name, argsOf, exit, code) => {
  using folder = temporaryFolder('kiosk-join')
  await using server = await startServer(join(folder.path, 'server'))
  const data = join(folder.path, 'agent')
  const { code: got, stderr } = await runProgram('agent', ['--data', data, 'join', ...argsOf(server.url)])
  expect([got, stderr]).toEqual([exit, expect.stringContaining(`error ${code}`) as string])
  expect(existsSync(join(data, 'kiosk.json'))).toBe(false)
})
