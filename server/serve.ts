import type { AddressInfo, Socket } from 'node:net'
import { get } from 'node:http'
import { systemClock as clock } from '../shared/clock.ts'
import { AppError, nativeCode } from '../shared/errors.ts'
import { createLog, type Log } from '../shared/log.ts'
import { untilAborted } from '../shared/until-aborted.ts'
import { createServiceManager } from '../shared/service-manager.ts'
import { createApp } from './app.ts'
import type { Settings } from './config.ts'
import { openCore } from './core.ts'
import { createDatabaseCheck } from './health.ts'
import { createIdempotency, type Idempotency } from './idempotency/idempotency.ts'
import { memoryHits } from './rate-limit/memory-hits.ts'
import { sharedHits } from './rate-limit/shared-hits.ts'

type App = ReturnType<typeof createApp>

/** What the process gives a command. */
export interface Surroundings {
  env: Record<string, string | undefined>
  /** Writes one line to standard output. */
  print: (line: string) => void
  /** Aborted by the first signal that asks the program to end. */
  stop: AbortSignal
}

const stopBudgetMs = 10_000
const selfCheckTimeoutMs = 5_000
const pruneEveryMs = 24 * 60 * 60 * 1000

/**
 * Runs the server until `stop` aborts, then ends it gracefully: not ready at once, accepting for `drainMs` more,
 * then finishing what is in flight, 10 s in all.
 *
 * Throws what opening the database throws, and `address-in-use` or `address-unusable`.
 */
export async function serve(settings: Settings, { env, print, stop }: Surroundings): Promise<void> {
  const log = createLog('vlt-server', settings.logLevel)
  await using stack = new AsyncDisposableStack()
  const core = stack.use(await openCore(settings, clock, 'server'))
  const { database, vault } = core
  for (const migration of database.migrated) log.info({ migration }, 'database migrated')

  const idempotency = createIdempotency(database, vault, clock)
  const databaseWorks = createDatabaseCheck(database, clock, log)
  // Several instances on one database count together; a single one needs no database to count.
  const hits = database.engine === 'postgres' ? sharedHits(database) : memoryHits(clock)
  const app = createApp({
    settings,
    core,
    idempotency,
    hits,
    databaseWorks,
    stopping: stop,
    clock,
    log,
  })
  const fresh = trackFreshConnections(app)
  stack.defer(() => app.close())
  const url = await listen(app, settings)

  const alive = async (): Promise<string | undefined> => {
    if (!(await databaseWorks())) return 'the database takes no writes'
    return (await answers(`${url}/health/live`)) ? undefined : 'the listener does not answer'
  }
  const serviceManager = createServiceManager(env, alive, clock, log)
  const background = new AbortController()
  const loops = Promise.all([
    serviceManager.run(background.signal),
    pruneDaily(idempotency, background.signal, log),
  ])
  stack.defer(async () => {
    background.abort()
    await loops
  })
  print(`vlt-server listening on ${url}`)
  if (settings.vltDestination === undefined)
    log.warn('no --vlt-destination: registrations are refused with 503')
  await serviceManager.ready(`listening on ${url}`)

  await untilAborted(stop)
  const stopBy = clock.monoMs() + stopBudgetMs
  log.info('stopping')
  const told = serviceManager.stopping()
  await clock.sleep(settings.drainMs, background.signal)
  await closeBy(app, stopBy, fresh, log)
  await told
}

/** Answers the address people can use. */
async function listen(app: App, { host, port }: Settings): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    const native = nativeCode(cause)
    const place = `${bracketed(host)}:${String(port)}`
    if (native === 'EADDRINUSE') throw new AppError('address-in-use', `${place} is taken`, { cause })
    if (native !== undefined && /^(EACCES|EADDRNOTAVAIL|ENOTFOUND|EAI_|EINVAL|EAFNOSUPPORT)/.test(native)) {
      throw new AppError('address-unusable', `cannot listen on ${place} (${native})`, { cause })
    }
    throw cause
  }
  const address = app.server.address() as AddressInfo
  return `http://${bracketed(address.address)}:${String(address.port)}`
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** A request through the own listener, as a client would make it. A wildcard address reaches this machine. */
function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: selfCheckTimeoutMs }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => {
      resolve(false)
    })
  })
}

async function pruneDaily(idempotency: Idempotency, signal: AbortSignal, log: Log): Promise<void> {
  while (!signal.aborted) {
    try {
      const forgotten = await idempotency.prune()
      if (forgotten > 0) log.info({ forgotten }, 'old idempotency keys forgotten')
    } catch (error) {
      log.error({ err: error }, 'old idempotency keys could not be forgotten')
    }
    await clock.sleep(pruneEveryMs, signal)
  }
}

/** Connections over which nothing has come yet: Node counts them as busy and would wait for them. */
function trackFreshConnections(app: App): () => Socket[] {
  const open = new Set<Socket>()
  app.server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return () => [...open].filter(({ bytesRead }) => bytesRead === 0)
}

async function closeBy(app: App, stopBy: number, fresh: () => Socket[], log: Log): Promise<void> {
  const closed = new AbortController()
  const closing = app.close().finally(() => {
    closed.abort()
  })
  for (const socket of fresh()) socket.destroy()
  await clock.sleep(Math.max(0, stopBy - clock.monoMs()), closed.signal)
  if (!closed.signal.aborted) {
    log.warn('requests still in flight were cut off')
    app.server.closeAllConnections()
  }
  await closing
}
