import type { Clock } from '../../shared/clock.ts'
import type { Database } from '../database/database.ts'
import { hasPending } from '../database/migrate.ts'
import { type Finding, fail, ok, warn } from './finding.ts'
import { milliseconds } from './machine.ts'
import { countRows, ping, postgresFacts, sqliteFacts } from './store.ts'

// Both engines have been opened, and refuse to be where a commit would not survive a power cut.
const durable = 'a commit survives a power cut'

export async function checkSqlite(database: Database): Promise<Finding> {
  const { version, journal, bytes } = await database.query(sqliteFacts)
  const size = `${(bytes / 1024 / 1024).toFixed(1)} MiB`
  return ok('database', `SQLite ${version}, ${journal.toUpperCase()} and full sync: ${durable}; ${size}`)
}

/** `url` without what could be a secret. */
function place(url: string): string {
  const { hostname, port, pathname } = new URL(url)
  return `${hostname}${port === '' ? '' : `:${port}`}${pathname}`
}

export async function checkPostgres(database: Database, url: string): Promise<Finding> {
  const facts = await database.query(postgresFacts)
  const { version, fsync, synchronous_commit, full_page_writes } = facts
  const detail =
    `PostgreSQL ${version} at ${place(url)}, fsync ${fsync}, synchronous_commit ${synchronous_commit}, ` +
    `full_page_writes ${full_page_writes}`
  if (full_page_writes === 'off') {
    return warn('database', detail, 'Switch full_page_writes on unless the disk never writes half a page.')
  }
  return ok('database', detail)
}

const pings = 20
const slowPingMs = 10

/** Each registration asks the database a few times, one after the other. */
export async function checkLatency(database: Database): Promise<Finding> {
  const times: number[] = []
  for (let n = 0; n < pings; n += 1) {
    const start = performance.now()
    await database.query(ping)
    times.push(performance.now() - start)
  }
  const median = times.toSorted((a, b) => a - b)[pings / 2] ?? 0
  const detail = `median ${milliseconds(median)} there and back`
  if (median <= slowPingMs) return ok('database latency', detail)
  return warn('database latency', detail, 'Put the server and its database into one place.')
}

const warnSkewMs = 2_000
const failSkewMs = 60_000

/** Codes, leases and tokens of several instances are only as good as their clocks. */
export async function checkClock(database: Database, clock: Clock): Promise<Finding> {
  const before = Date.parse(clock.now())
  const { now } = await database.query(postgresFacts)
  const here = (before + Date.parse(clock.now())) / 2
  const skewMs = Math.round(Date.parse(now) - here)
  const detail = `${String(Math.abs(skewMs))} ms ${skewMs < 0 ? 'ahead of' : 'behind'} that of the database`
  const hint = 'Let a time service (chrony, systemd-timesyncd) set the clocks of both machines.'
  if (Math.abs(skewMs) > failSkewMs) return fail('clock', detail, hint)
  if (Math.abs(skewMs) > warnSkewMs) return warn('clock', detail, hint)
  return ok('clock', detail)
}

export async function checkMigrations({ db, engine }: Database): Promise<Finding> {
  if (!(await hasPending(db, engine))) return ok('migrations', 'the schema is that of this version')
  const hint = 'Start the server, or run `vlt-server migrate`: both bring it to this version.'
  return warn('migrations', 'the schema is older than this version', hint)
}

export async function checkRows(database: Database): Promise<Finding> {
  const counts = Object.entries(await database.query(countRows))
  return ok('rows', counts.map(([name, count]) => `${name} ${String(count)}`).join(', '))
}
