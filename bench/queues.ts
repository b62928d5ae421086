import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'drizzle-orm'
import { buildDBClient, SqliteQueue } from 'liteque'
import { better, defineQueue } from 'plainjob'
import { sampleClient } from '../demo/sample-client.ts'
import { timed } from './accept.ts'
import type { Side } from './round.ts'

/** SQLite's number for synchronous=FULL. */
const full = 2

/**
 * The same jobs put into two queues that others use, both set to synchronous=FULL, which neither is by itself. Neither
 * encrypts, chains or orders; liteque alone keeps an idempotency key.
 */
export function queuesBench(folder: string): Disposable & { plainjob: Side; liteque: Side } {
  mkdirSync(folder)
  const connection = new Sqlite(join(folder, 'plainjob.db'))
  const plainjob = defineQueue({ connection: better(connection), serializer: String })
  connection.pragma('synchronous = FULL')
  const client = buildDBClient(join(folder, 'liteque.db'), { runMigrations: true })
  client.run(sql`PRAGMA synchronous = FULL`)
  const liteque = new SqliteQueue<string>('registrations', client, {
    defaultJobArgs: { numRetries: 5 },
    keepFailedJobs: true,
  })
  const [litequeIs] = client.all<{ synchronous: number }>(sql`PRAGMA synchronous`)
  if (connection.pragma('synchronous', { simple: true }) !== full || litequeIs?.synchronous !== full)
    throw new Error('not set to FULL')
  return {
    plainjob: () =>
      timed((row) => {
        plainjob.add('register', sampleClient(row))
      }),
    liteque: () => timed((row) => liteque.enqueue(sampleClient(row), { idempotencyKey: randomUUID() })),
    [Symbol.dispose]() {
      plainjob.close()
    },
  }
}
