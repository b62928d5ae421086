import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { Outbox } from '../agent/outbox/outbox.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { systemClock } from '../shared/clock.ts'
import { summarize, type Round, type Side } from './round.ts'

const rows = 500

function timed(work: (row: number) => void): Round {
  const latencies: number[] = []
  const start = performance.now()
  for (let row = 0; row < rows; row++) {
    const before = performance.now()
    work(row)
    latencies.push(performance.now() - before)
  }
  return summarize(latencies, performance.now() - start)
}

/** A tap's way to the disk, against the least that SQLite takes for one durable row of the same size. */
export function acceptBench(folder: string): AsyncDisposable & { ours: Side; baseline: Side } {
  mkdirSync(folder)
  const outbox = Outbox.open(join(folder, 'outbox'), systemClock)
  const bare = new Sqlite(join(folder, 'bare.db'))
  bare.pragma('synchronous = FULL')
  bare.pragma('journal_mode = WAL')
  bare.exec('CREATE TABLE rows (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)')
  const insert = bare.prepare('INSERT INTO rows (body) VALUES (?)')
  return {
    ours: () =>
      timed((row) => {
        outbox.append({
          system: 'vlt-clients',
          subject: String(row),
          card: String(row),
          body: sampleClient(row),
          readerId: null,
        })
      }),
    baseline: () =>
      timed((row) => {
        insert.run(sampleClient(row))
      }),
    [Symbol.asyncDispose]() {
      outbox[Symbol.dispose]()
      bare.close()
      return Promise.resolve()
    },
  }
}
