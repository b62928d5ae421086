import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { call } from '../agent/control/client.ts'
import { socketPath } from '../agent/control/protocol.ts'
import { Outbox } from '../agent/outbox/outbox.ts'
import { startAgent, startServer, runProgram, type Finished } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { systemClock } from '../shared/clock.ts'
import { agentStatus, cardsOnServer, eventually, smallDisk, temporaryFolder } from './lobby.ts'

const agentProgram = new URL('../agent/cli.ts', import.meta.url).pathname

test('a log that cannot be written does not end the agent', async () => {
  using folder = temporaryFolder('log-full')
  const data = join(folder.path, 'agent')
  const log = openSync('/dev/full', 'w')
  const args = [
    'run',
    '--data',
    data,
    '--page-port',
    '0',
    '--reader',
    'simulated:lobby',
    '--log-level',
    'debug',
  ]
  const agent = spawn(process.execPath, [agentProgram, ...args], { stdio: ['ignore', 'ignore', log] })
  try {
    await eventually(() =>
      agentStatus(data).then(
        () => true,
        () => false,
      ),
    )
    for (let tap = 0; tap < 20; tap++) {
      await call(socketPath(data), 'reader.simulate', {
        action: { kind: 'tap', text: `A0C2BB${String(10 + tap)}` },
      })
    }
    await eventually(async () => (await agentStatus(data)).readers[0]?.taps === 20)
  } finally {
    const ended = once(agent, 'exit')
    agent.kill('SIGTERM')
    expect((await ended)[0]).toBe(0)
    closeSync(log)
  }
})

test('a full disk refuses the tap visibly, keeps what was accepted, and is over once there is room', async () => {
  using folder = temporaryFolder('disk-full')
  const agentData = join(folder.path, 'disk')
  using _disk = smallDisk(agentData, '4m')
  const floor = ['--disk-floor-mib', '0']
  await using server = await startServer(join(folder.path, 'server'))
  await using agent = await startAgent(agentData, {
    args: ['--server-url', 'http://127.0.0.1:9', '--reader', 'simulated:lobby', ...floor],
  })

  async function enrolAndTap(codigo: number, card: string): Promise<Finished> {
    const enrolling = runProgram(
      'agent',
      ['enroll', '--from', '-', '--wait', '--json', '--data', agentData],
      {
        input: sampleClient(codigo),
      },
    )
    await eventually(async () => (await agentStatus(agentData)).waitingEnrolments === 1)
    await runProgram('agent', ['reader', 'simulate', 'tap', card, '--data', agentData])
    return enrolling
  }

  expect(await enrolAndTap(70, 'A0C2BBCA')).toMatchObject({ code: 6 })

  const filler = join(agentData, 'filler')
  expect(() => {
    writeFileSync(filler, Buffer.alloc(8 * 1024 * 1024))
  }).toThrow('ENOSPC')
  let refused: Finished | undefined
  let accepted = 1
  // SQLite may still have room in the pages it has; soon it has none.
  for (let codigo = 100; refused === undefined && codigo < 200; codigo++) {
    const finished = await enrolAndTap(codigo, `B1D3C${String(codigo)}`)
    if (finished.code === 1) refused = finished
    else accepted += 1
  }
  expect(JSON.parse(refused?.stdout ?? '{}')).toMatchObject({
    state: 'rejected',
    registrationId: null,
    error: { code: 'disk-full' },
  })
  expect((await agentStatus(agentData)).queue).toMatchObject({ pending: accepted })
  expect(agent.stderr()).toContain('"code":"disk-full"')

  rmSync(filler)
  expect(await enrolAndTap(300, 'C2E4DDEC')).toMatchObject({ code: 6 })

  await agent.stop()
  await using again = await startAgent(agentData, { args: ['--server-url', server.url, ...floor] })
  await eventually(async () => (await agentStatus(agentData)).queue.pending === 0)
  await again.stop()
  await server.stop()
  const stored = cardsOnServer(join(folder.path, 'server')).map(({ uid }) => uid)
  expect(stored).toHaveLength(accepted + 1)
  expect(stored).toContain('A0C2BBCA')
  expect(stored).toContain('C2E4DDEC')
})

test('on a disk that fills up in the middle of a day, every answer of the server is still noted down', () => {
  using folder = temporaryFolder('disk-day')
  const data = join(folder.path, 'disk')
  using _disk = smallDisk(data, '48m')
  const outbox = Outbox.open(data, systemClock, { limits: { minFreeBytes: 0 } })
  expect(outbox.inspect().ballast).toBe(true)
  const append = (row: number) =>
    outbox.append({
      ...{ system: 'vlt-clients', subject: String(row), card: String(row), readerId: null },
      body: 'x'.repeat(2_000),
    })
  const filler = join(data, 'filler')
  const fill = (): void => {
    const file = openSync(filler, 'a')
    try {
      for (;;) writeSync(file, Buffer.alloc(4_096))
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' })
    } finally {
      closeSync(file)
    }
  }

  // The disk fills up after every one of the first accepts, and has room again before the next.
  const accepted: string[] = []
  let refused = 0
  let delivered = 0
  for (let row = 0; row < 60; row++) {
    accepted.push(append(row).id)
    fill()
    for (let more = 0; more < 40; more++) {
      try {
        accepted.push(append(1_000 * (row + 1) + more).id)
      } catch (error) {
        expect(error).toMatchObject({ code: 'disk-full' })
        refused += 1
      }
    }
    const batch = outbox.nextBatch(20, [], [])
    delivered += batch.length
    outbox.settleAll(batch.map(({ id }) => ({ id, state: 'delivered', receipt: 'y'.repeat(500) })))
    rmSync(filler)
    outbox.upkeep.layBallast()
  }
  expect(refused).toBeGreaterThan(60)
  expect(outbox.inspect().ballast).toBe(true)
  const found = outbox.page(0, 10_000)
  expect(found.map(({ id }) => id)).toEqual(accepted)
  expect(delivered).toBeGreaterThanOrEqual(60)
  expect(outbox.counts()).toMatchObject({ delivered, lost: 0 })
  outbox[Symbol.dispose]()
  using again = Outbox.open(data, systemClock, { limits: { minFreeBytes: 0 } })
  expect(again.recovery).toBeUndefined()
  expect(again.counts()).toMatchObject({ delivered, pending: accepted.length - delivered })
})
