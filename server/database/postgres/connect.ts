import pg from 'pg'
import type { PostgresPool } from 'kysely'
import { AppError, type ErrorCode, nativeCode } from '../../../shared/errors.ts'

// Both cores of a small machine are busy long before; more connections would only wait for each other's rows.
const maxConnections = 10
const connectTimeoutMs = 5_000
// A statement of this server takes milliseconds: one that hangs must not hold its locks and its connection.
const statementTimeoutMs = 15_000

// The server's queries are a few dozen texts; the cap is for what a future caller may build.
const maxPrepared = 500
const statementNames = new Map<string, string>()

/** PostgreSQL plans a statement it knows by name once per connection, instead of each time. */
class PreparingClient extends pg.Client {
  override query(...parameters: unknown[]): never {
    const [text, values, ...rest] = parameters
    const query = super.query.bind(this) as (...parameters: unknown[]) => never
    const name = typeof text === 'string' && Array.isArray(values) ? statementName(text) : undefined
    return name === undefined
      ? query(...parameters)
      : query({ name, text, values: values as unknown[] }, ...rest)
  }
}

function statementName(text: string): string | undefined {
  const known = statementNames.get(text)
  if (known !== undefined || statementNames.size >= maxPrepared) return known
  const name = `vlt-${String(statementNames.size + 1)}`
  statementNames.set(text, name)
  return name
}

/** Connections to the database at `url`. Opens none yet. */
export function createPool(url: string, lost: (error: unknown) => void): PostgresPool & AsyncDisposable {
  const pool = new pg.Pool({
    connectionString: url,
    Client: PreparingClient,
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    application_name: 'vlt-server',
    pipeline: true,
  })
  // A connection that breaks while nobody uses it; the pool makes another one.
  pool.on('error', lost)
  return Object.assign(pool, {
    [Symbol.asyncDispose]: () => (pool.ended ? Promise.resolve() : pool.end()),
  })
}

/** SQLSTATEs (PostgreSQL manual, appendix A) and errors of the network, as failures of ours. */
const faults: [RegExp, ErrorCode][] = [
  [/^(28|3D)/, 'database-refused'],
  [/^53100/, 'disk-full'],
  [/^(58|XX00[12])/, 'storage-failed'],
  [
    /^(08|53|57P0|ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|ENOENT|57014|25P03)/,
    'database-unavailable',
  ],
]

/** `error` as a failure of the database, or unchanged when it is none. Never repeats the address: it may hold a password. */
export function postgresFault(error: unknown): unknown {
  if (error instanceof AppError || !(error instanceof Error)) return error
  const native = nativeCode(error)
  const known = faults.find(([pattern]) => native !== undefined && pattern.test(native))?.[1]
  // pg gives these two no code: a connection that ended under a query, and a pool that got none in time.
  const lost =
    native === undefined &&
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(
      error.message,
    )
  const code = known ?? (lost ? 'database-unavailable' : undefined)
  if (code === undefined) return error
  return new AppError(code, `PostgreSQL: ${native ?? 'connection lost'}`, { cause: error })
}

/** A transaction that PostgreSQL ended so that others could go on: the same work succeeds when done again. */
export function isPassing(error: unknown): boolean {
  return ['40001', '40P01'].includes(nativeCode(error) ?? '')
}
