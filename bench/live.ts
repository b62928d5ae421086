import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { openCore, type OpenCore } from '../agent/core.ts'
import { agentConfig } from '../agent/config.ts'
import type { NewRegistration } from '../agent/outbox/registration.ts'
import { runProgram, startServer } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { systemClock } from '../shared/clock.ts'
import { type Round, type Side, summarize } from './round.ts'

const backlog = 10_000
/** Between two people at the reader: more than a lobby sees. */
const betweenMs = 100
/** Without a backlog, as many as tap while one drains. */
const tapsAlone = 70
const patienceMs = 60_000

let next = 1

function registration(): NewRegistration {
  const codigo = next++
  const card = (0x40000000 + codigo).toString(16).toUpperCase()
  const body = JSON.stringify({ ...(JSON.parse(sampleClient(codigo)) as object), tarjeta: card })
  return { system: 'vlt-clients', subject: String(codigo), card, body, readerId: null }
}

/**
 * How long somebody who has tapped waits for the server's word, from the accept to the receipt on the disk: while a backlog
 * drains in signed batches, and without one. The server is a process of its own, with the limits it comes with.
 */
export async function liveBench(
  folder: string,
  databaseUrl?: string,
): Promise<AsyncDisposable & { ours: Side; baseline: Side }> {
  mkdirSync(folder)
  await using stack = new AsyncDisposableStack()
  const data = join(folder, 'server')
  const database = databaseUrl === undefined ? [] : ['--database-url', databaseUrl]
  // Rounds follow each other faster than any day of a kiosk.
  const args = [...database, '--kiosk-rate-limit', '1000000', '--log-level', 'error']
  const server = stack.use(await startServer(data, { args }))
  const config = agentConfig.parse({ data: join(folder, 'agent'), serverUrl: server.url })
  const open = (deliver: boolean): Promise<OpenCore> =>
    openCore(config, systemClock, pino({ level: 'silent' }), { deliver, stopWithinMs: 1_000 })
  const made = await runProgram('server', ['kiosk', 'code', '--activate', '--data', data, ...database])
  if (made.code !== 0) throw new Error(made.stderr)
  {
    await using core = await open(false)
    await core.membership.join(server.url, made.stdout.trim(), 'bench', AbortSignal.timeout(10_000))
  }

  const live = async (rows: number, isOver: (core: OpenCore, taps: number) => boolean): Promise<Round> => {
    {
      await using core = await open(false)
      for (let row = 0; row < rows; row++) core.outbox.append(registration())
    }
    await using core = await open(true)
    while (core.sync.status.state !== 'online') await delay(5)
    const waits: number[] = []
    const start = performance.now()
    while (!isOver(core, waits.length)) {
      const before = performance.now()
      const { id } = core.outbox.append(registration())
      core.sync.expedite(id)
      const { state } = await core.registrar.outcome(id, patienceMs, core.broken)
      if (state !== 'registered') throw new Error(`a live tap ended ${state}`)
      waits.push(performance.now() - before)
      await delay(betweenMs)
    }
    return summarize(waits, performance.now() - start)
  }

  const owned = stack.move()
  return {
    ours: () => live(backlog, ({ outbox }) => outbox.counts().pending === 0),
    baseline: () => live(0, (_core, taps) => taps === tapsAlone),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
