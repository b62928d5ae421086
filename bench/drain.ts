import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { openCore, type OpenCore } from '../agent/core.ts'
import { agentConfig } from '../agent/config.ts'
import { Outbox } from '../agent/outbox/outbox.ts'
import { runProgram, startServer } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { systemClock } from '../shared/clock.ts'
import type { Round, Side } from './round.ts'

/** A backlog, and so many of it as the slower way gets through in the same time. */
const rows = { batches: 10_000, documented: 1_000 }

let next = 1

function fill(folder: string, count: number): void {
  using outbox = Outbox.open(folder, systemClock)
  for (let row = 0; row < count; row++) {
    const codigo = next++
    const tarjeta = (0x20000000 + codigo).toString(16).toUpperCase()
    const body = JSON.stringify({ ...(JSON.parse(sampleClient(codigo)) as object), tarjeta })
    outbox.append({ system: 'vlt-clients', subject: String(codigo), card: tarjeta, body, readerId: null })
  }
}

/**
 * The backlog of one lobby machine, from its first request to the commit of its last receipt: in signed batches, and by the
 * documented endpoint without its rate limit. The server is a process of its own.
 */
export async function drainBench(
  folder: string,
  databaseUrl?: string,
): Promise<AsyncDisposable & { ours: Side; baseline: Side }> {
  mkdirSync(folder)
  await using stack = new AsyncDisposableStack()
  const data = join(folder, 'server')
  const place = ['--data', data, ...(databaseUrl === undefined ? [] : ['--database-url', databaseUrl])]
  const limits = ['--vlt-rate-limit', '1000000']
  const databaseArgs = place.slice(2)
  const server = stack.use(
    await startServer(data, { args: [...limits, ...databaseArgs, '--log-level', 'error'] }),
  )
  const open = (name: string, deliver: boolean): Promise<OpenCore> => {
    const config = agentConfig.parse({ data: join(folder, name), serverUrl: server.url })
    return openCore(config, systemClock, pino({ level: 'silent' }), { deliver, stopWithinMs: 1_000 })
  }
  const code = await runProgram('server', ['kiosk', 'code', '--activate', ...place])
  if (code.code !== 0) throw new Error(code.stderr)
  {
    await using core = await open('joined', false)
    await core.membership.join(server.url, code.stdout.trim(), 'bench', AbortSignal.timeout(10_000))
  }

  const drain = async (name: string, count: number): Promise<Round> => {
    fill(join(folder, name), count)
    const start = performance.now()
    await using core = await open(name, true)
    while (core.outbox.counts().pending > 0) await delay(5)
    const elapsedMs = performance.now() - start
    const { delivered, dead } = core.outbox.counts()
    if (dead > 0 || delivered < count) throw new Error(`${String(dead)} dead letters`)
    // Of the whole: nobody waits for a single one.
    return { perSecond: (count * 1000) / elapsedMs, p50Ms: elapsedMs, p99Ms: elapsedMs }
  }

  const owned = stack.move()
  return {
    ours: () => drain('joined', rows.batches),
    baseline: () => drain('documented', rows.documented),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
