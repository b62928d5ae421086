import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { Outbox } from '../agent/outbox/outbox.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { systemClock } from '../shared/clock.ts'
import { summarize, type Round, type Side } from './round.ts'

const rows = 500

/** One after the other, each timed from its call to its commit. */
export async function timed(work: (row: number) => unknown): Promise<Round> {
  const latencies: number[] = []
  const start = performance.now()
  for (let row = 0; row < rows; row++) {
    const before = performance.now()
    const done = work(row)
    if (done instanceof Promise) await done
    latencies.push(performance.now() - before)
  }
  return summarize(latencies, performance.now() - start)
}

export function acceptRound(outbox: Outbox): Promise<Round> {
  return timed((row) => {
    outbox.append({
      system: 'vlt-clients',
      subject: String(row),
      card: String(row),
      body: sampleClient(row),
      readerId: null,
    })
  })
}

/** A tap's way to the disk, against the least that SQLite takes for one durable row of the same client. */
export function acceptBench(folder: string): Disposable & { ours: Side; baseline: Side } {
  mkdirSync(folder)
  const outbox = Outbox.open(join(folder, 'outbox'), systemClock)
  const bare = new Sqlite(join(folder, 'bare.db'))
  bare.pragma('synchronous = FULL')
  bare.pragma('journal_mode = WAL')
  bare.exec('CREATE TABLE rows (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)')
  const insert = bare.prepare('INSERT INTO rows (body) VALUES (?)')
  return {
    ours: () => acceptRound(outbox),
    baseline: () =>
      timed((row) => {
        insert.run(sampleClient(row))
      }),
    [Symbol.dispose]() {
      outbox[Symbol.dispose]()
      bare.close()
    },
  }
}
