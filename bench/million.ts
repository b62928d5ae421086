import { statSync } from 'node:fs'
import { join } from 'node:path'
import { startAgent } from '../demo/programs.ts'
import { Outbox } from '../agent/outbox/outbox.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { systemClock } from '../shared/clock.ts'
import { acceptRound } from './accept.ts'
import { median, type Round, type Side } from './round.ts'

const rows = 1_000_000
/** Of one transaction, while the backlog is made. */
const rowsAtOnce = 500
const starts = 5
/** Above the backlog, so that taps are taken beside it. */
const limits = { maxRows: 2 * rows, maxBytes: 4 * 2 ** 30 }

/** A lobby whose network never came back: a million registrations wait. */
export function fillMillion(folder: string): void {
  using outbox = Outbox.open(folder, systemClock, { limits })
  for (let first = 0; first < rows; first += rowsAtOnce) {
    outbox.appendOnce(
      Array.from({ length: rowsAtOnce }, (_, offset) => {
        const codigo = first + offset + 1
        const card = (0x20000000 + codigo).toString(16).toUpperCase()
        const body = JSON.stringify({ ...(JSON.parse(sampleClient(codigo)) as object), tarjeta: card })
        return { system: 'vlt-clients', subject: String(codigo), card, body, readerId: null }
      }),
    )
  }
}

async function startMs(folder: string): Promise<number> {
  const start = performance.now()
  await using agent = await startAgent(folder, { args: ['--reader', 'simulated:bench'] })
  const elapsedMs = performance.now() - start
  await agent.stop()
  return elapsedMs
}

/** From the start of the process until it says that it is ready. */
export async function readyBench(full: string, empty: string): Promise<void> {
  const found = { full: [] as number[], empty: [] as number[] }
  for (let start = 0; start < starts; start++) {
    found.full.push(await startMs(full))
    found.empty.push(await startMs(empty))
  }
  const gigabytes = statSync(join(full, 'outbox.db')).size / 1e9
  console.log(
    `Agent ready beside ${rows.toLocaleString('en')} pending rows (${gigabytes.toFixed(2)} GB)\n` +
      `  ours, median of ${String(starts)} starts ${median(found.full).toFixed(0).padStart(6)} ms\n` +
      `  with an empty outbox        ${median(found.empty).toFixed(0).padStart(6)} ms\n`,
  )
}

export function millionBench(full: string, empty: string): Disposable & { ours: Side; baseline: Side } {
  const backlog = Outbox.open(full, systemClock, { limits })
  const fresh = Outbox.open(empty, systemClock)
  return {
    ours: (): Promise<Round> => acceptRound(backlog),
    baseline: (): Promise<Round> => acceptRound(fresh),
    [Symbol.dispose]() {
      backlog[Symbol.dispose]()
      fresh[Symbol.dispose]()
    },
  }
}
