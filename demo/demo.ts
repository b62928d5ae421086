/**
 * `npm run demo`: the main job, played with real processes and real sockets on this machine. Exits 0 only if every
 * step was seen to hold.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { QueueEntry } from '../agent/control/queue-operations.ts'
import type { AgentStatus } from '../agent/status.ts'
import { CuttableNetwork } from './cuttable-network.ts'
import { runProgram, startAgent, startServer, type Finished } from './programs.ts'
import { sampleClient } from './sample-client.ts'

const firstCard = 'A0C2BBCA'
const secondCard = 'B1D3CCDB'

const folder = await mkdtemp(join(tmpdir(), 'vlt-demo-'))
const agentData = join(folder, 'agent')
const rows: { step: string; seen: string; holds: boolean }[] = []

function check(step: string, holds: boolean, seen: unknown): void {
  const text = typeof seen === 'string' ? seen : JSON.stringify(seen)
  rows.push({ step, seen: text, holds })
  console.log(`${holds ? ' ok ' : 'FAIL'}  ${step.padEnd(54)} ${text}`)
}

const agentCommand = (...args: string[]): Promise<Finished> =>
  runProgram('agent', [...args, '--data', agentData])

async function status(): Promise<AgentStatus> {
  return JSON.parse((await agentCommand('status', '--json')).stdout) as AgentStatus
}

async function queue(): Promise<QueueEntry[]> {
  return JSON.parse((await agentCommand('queue', 'list', '--json')).stdout) as QueueEntry[]
}

/** Enrols and taps; answers with the outcome that the person would be shown. */
async function enrolAndTap(codigo: number, card: string): Promise<{ code: number | null; state: string }> {
  const enrolling = runProgram('agent', ['enroll', '--from', '-', '--wait', '--json', '--data', agentData], {
    input: sampleClient(codigo),
  })
  if (!(await seen(async () => (await status()).enrolment !== null)))
    throw new Error('the enrolment does not wait')
  await agentCommand('reader', 'simulate', 'tap', card)
  const { code, stdout, stderr } = await enrolling
  if (stdout === '') throw new Error(`enroll said nothing: ${stderr}`)
  return { code, state: (JSON.parse(stdout) as { state: string }).state }
}

/** Waits until `condition` holds, at most 60 s. */
async function seen(condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + 60_000
  while (!(await condition())) {
    if (Date.now() > deadline) return false
    await delay(200)
  }
  return true
}

/** Posts a card again under another client: a duplicate names the card's owner, so the server does hold the card. */
async function isOnServer(url: string, card: string): Promise<{ status: number; esDuplicado?: boolean }> {
  const response = await fetch(`${url}/api/clientes/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ ...(JSON.parse(sampleClient(999)) as object), dni: undefined, tarjeta: card }),
  })
  return { status: response.status, ...((await response.json()) as { esDuplicado?: boolean }) }
}

console.log(
  'A client gets a card, the network is cut, the machine restarts: nothing is lost, nothing doubled.\n',
)
try {
  await using server = await startServer(join(folder, 'server'))
  await using network = new CuttableNetwork(server.url)
  await network.join()
  const agentArgs = { args: ['--server-url', network.url, '--reader', 'simulated:lobby'] }
  await using firstAgent = await startAgent(agentData, agentArgs)
  const readers = (await status()).readers.map(({ id, state }) => `${id} ${state}`)
  check(
    'server and agent run, the reader is ready',
    readers.join() === 'simulated:lobby ready',
    readers.join(),
  )

  const online = await enrolAndTap(70, firstCard)
  check('enrol and tap: the server confirms', online.state === 'registered' && online.code === 0, online)

  await network.cut()
  check(
    'network cut',
    await seen(async () => (await fetch(network.url).catch(() => null)) === null),
    'refused',
  )

  const offline = await enrolAndTap(71, secondCard)
  check(
    'tap without network: saved, and said to be unconfirmed',
    offline.state === 'saved' && offline.code === 6,
    offline,
  )
  const waiting = await status()
  check('status tells the truth', waiting.server.state === 'offline' && waiting.queue.pending === 1, {
    server: waiting.server.state,
    pending: waiting.queue.pending,
  })

  await firstAgent.stop('SIGKILL')
  await using secondAgent = await startAgent(agentData, agentArgs)
  const kept = (await queue()).filter(({ state }) => state === 'pending')
  check(
    'agent killed and started again: the registration is still there',
    kept.length === 1,
    `${String(kept.length)} pending`,
  )

  await network.join()
  const drained = await seen(async () => (await status()).queue.pending === 0)
  const receipts = (await queue()).map(({ state, receipt }) => ({ state, receipt }))
  const both = receipts.length === 2 && receipts.every(({ state }) => state === 'delivered')
  check('network back: both are delivered', drained && both, receipts.map(({ state }) => state).join(', '))
  const once = receipts.every(
    ({ receipt }) => (receipt as { esDuplicado?: boolean } | null)?.esDuplicado === false,
  )
  check(
    'each was new to the server: registered once',
    once,
    receipts.map(({ receipt }) => receipt),
  )
  for (const card of [firstCard, secondCard]) {
    const answer = await isOnServer(server.url, card)
    check(`the server holds card ${card}`, answer.status === 200 && answer.esDuplicado === true, answer)
  }

  const { code: agentCode } = await secondAgent.stop()
  const { code: serverCode } = await server.stop()
  check(
    'both stop cleanly',
    agentCode === 0 && serverCode === 0,
    `${String(agentCode)}, ${String(serverCode)}`,
  )
} finally {
  await rm(folder, { recursive: true, force: true })
}

const failed = rows.filter(({ holds }) => !holds).length
console.log(`\n${String(rows.length - failed)} of ${String(rows.length)} steps held`)
process.exitCode = failed === 0 ? 0 : 1
