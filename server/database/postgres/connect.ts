import { nextTick } from 'node:process'
import pg from 'pg'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import { AppError, nativeCode } from '../../../shared/errors.ts'
import { statementName } from './statement-names.ts'

/** What connections are for. */
export type PoolUse = keyof typeof uses

const uses = {
  /** Outside a transaction that was begun to write, PostgreSQL refuses every write on these: see transactions.ts. */
  transactions: { max: 10, writesOutside: false, patient: false },
  /** Single statements: a request that needs no transaction does not wait for one. */
  statements: { max: 5, writesOutside: true, patient: false },
  /** Asking whether it takes writes. */
  probe: { max: 1, writesOutside: true, patient: false },
  /** Changing the schema of a large table takes as long as it takes, and the other instances wait for it. */
  migrations: { max: 1, writesOutside: true, patient: true },
} as const

// Together they bound what a request can wait for a database that hangs: for a connection, then for an answer.
const connectTimeoutMs = 5_000
// A statement of this server takes milliseconds: one that hangs must not hold its locks and its connection.
const statementTimeoutMs = 10_000
// For a server that does not even say that its time is up.
const answerTimeoutMs = 12_000

// What the connections work off in about a second: whoever would wait longer is told to come back.
const maxWaiting = 1_000

/** Prepares statements by name, see statement-names.ts, and sends together what is asked for together. */
class PreparingClient extends pg.Client {
  #gathering = false

  constructor(config?: pg.ClientConfig) {
    super(config)
    // Whoever uses a connection that breaks hears of it from the statement; nobody else has to.
    this.on('error', () => undefined)
  }

  override query(...parameters: unknown[]): never {
    const [text, values, ...rest] = parameters
    const query = super.query.bind(this) as (...parameters: unknown[]) => never
    this.#gather()
    if (typeof text !== 'string' || !Array.isArray(values)) return query(...parameters)
    // Without parameters there is less to gain than a message for each step costs.
    if (values.length === 0) return query(text, undefined, ...rest)
    return query({ name: statementName(text), text, values: values as unknown[] }, ...rest)
  }

  /** One message to the system, and one that wakes PostgreSQL, for all that is written in this turn. */
  #gather(): void {
    if (this.#gathering) return
    this.#gathering = true
    const { stream } = this.connection
    stream.cork()
    nextTick(() => {
      this.#gathering = false
      stream.uncork()
    })
  }
}

/** What becomes of the connections: told once when they are lost, and once when there is one again. */
export type ConnectionNews = (news: 'lost' | 'back') => void

/**
 * Connections to the database at `url`. Opens none yet; each new one is asked whether commits on it are durable.
 *
 * Throws `config-invalid` for an address that cannot be read.
 */
export function createPool(
  url: string,
  use: PoolUse,
  tell: ConnectionNews = () => undefined,
): PostgresPool & AsyncDisposable {
  const { max, writesOutside, patient } = uses[use]
  const config = {
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    ...(patient ? {} : { statement_timeout: statementTimeoutMs, query_timeout: answerTimeoutMs }),
    idle_in_transaction_session_timeout: statementTimeoutMs,
    keepAlive: true,
    application_name: 'vlt-server',
    pipeline: true,
  }
  refuseUnreadable(config)
  const pool = new pg.Pool({
    ...config,
    Client: PreparingClient,
    max,
    verify: (client, done) => {
      prepareConnection(client, writesOutside).then(() => {
        done()
      }, done)
    },
  })
  let lost = false
  const note = (now: boolean): void => {
    if (lost !== now) tell(now ? 'lost' : 'back')
    lost = now
  }
  // A connection that breaks while nobody uses it; the pool makes another one.
  pool.on('error', () => {
    note(true)
  })
  pool.on('connect', () => {
    note(false)
  })
  return {
    options: pool.options,
    connect: async (): Promise<PostgresPoolClient> => {
      if (pool.waitingCount < maxWaiting) return pool.connect()
      throw new AppError('database-unavailable', 'more work waits than the database can take')
    },
    end: () => pool.end(),
    [Symbol.asyncDispose]: () => (pool.ending ? Promise.resolve() : pool.end()),
  }
}

/** pg reads the address, and the certificates it names, anew for every connection. */
function refuseUnreadable(config: pg.ClientConfig): void {
  try {
    new pg.Client(config).removeAllListeners()
  } catch (cause) {
    throw new AppError(
      'config-invalid',
      `--database-url cannot be read (${nativeCode(cause) ?? 'wrong address'})`,
    )
  }
}

/** Throws `database-not-durable` where a commit does not survive a power cut. */
async function prepareConnection(client: pg.ClientBase, writesOutside: boolean): Promise<void> {
  const { rows } = await client.query<Record<string, string>>(
    `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit,
       set_config('default_transaction_read_only', $1, false)`,
    [writesOutside ? 'off' : 'on'],
  )
  const off = Object.entries(rows[0] ?? {}).filter(
    ([name, value]) => name !== 'set_config' && value === 'off',
  )
  if (off.length === 0) return
  throw new AppError(
    'database-not-durable',
    `PostgreSQL runs with ${off.map(([name]) => name).join(' and ')} off`,
  )
}
