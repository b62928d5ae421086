import { systemClock as clock } from '../shared/clock.ts'
import { createLog } from '../shared/log.ts'
import { untilAborted } from '../shared/until-aborted.ts'
import { createServiceManager } from '../shared/service-manager.ts'
import { createApp } from './app.ts'
import { flushTallies, tellEnd } from './audit/upkeep.ts'
import { defaults, type Settings } from './config.ts'
import { openCore } from './core.ts'
import { everyDay } from './daily.ts'
import { createDatabaseCheck } from './health.ts'
import { createMetrics } from './metrics/metrics.ts'
import { createIdempotency } from './idempotency/idempotency.ts'
import { openListener } from './listener.ts'
import { deliverMails } from './mail/deliver.ts'
import { createMailTransport } from './mail/transport.ts'
import { readKioskFigures } from './kiosks/figures.ts'
import { pruneMails, readMailBacklog } from './mail/upkeep.ts'
import { memoryHits } from './rate-limit/memory-hits.ts'
import { sharedHits } from './rate-limit/shared-hits.ts'
import { createReminders } from './systems/user-accounts/reminders.ts'
import { openTls } from './tls/tls.ts'
import { programVersion } from './version.ts'

/** What the process gives a command. */
export interface Surroundings {
  env: Record<string, string | undefined>
  /** Writes one line to standard output. */
  print: (line: string) => void
  stdin: NodeJS.ReadableStream & { isTTY?: boolean }
  /** Where talk goes: standard output is for data. */
  errorStream: NodeJS.WritableStream
  /** Aborted by the first signal that asks the program to end. */
  stop: AbortSignal
  /** Calls `listener` at each SIGHUP, which then no longer ends the program. */
  onHangup: (listener: () => void) => void
}

const stopBudgetMs = 10_000

/**
 * Runs the server until `stop` aborts, then ends it gracefully: not ready at once, accepting for `drainMs` more,
 * then finishing what is in flight, requests and mails, 10 s in all. SIGHUP reads the certificate again.
 *
 * Throws what opening database, certificate and listener throws.
 */
export async function serve(settings: Settings, { env, print, stop, onHangup }: Surroundings): Promise<void> {
  const log = createLog('vlt-server', settings.logLevel)
  await using stack = new AsyncDisposableStack()
  const tls = openTls(settings, clock, log)
  onHangup(() => tls?.reload())
  const core = stack.use(await openCore(settings, clock, 'server', log))
  const { database, vault, passwords, mailbox } = core
  for (const migration of database.migrated) log.info({ migration }, 'database migrated')

  const idempotency = createIdempotency(database, vault, clock)
  const databaseWorks = createDatabaseCheck(database, clock, log)
  const { engine } = database
  const metrics = createMetrics({
    version: programVersion(),
    engine,
    passwords,
    databaseWorks,
    mailBacklog: () => readMailBacklog(database, clock),
    kiosks: () => readKioskFigures(database, clock),
  })
  metrics.watchProcess()
  // Several instances on one database count together; a single one needs no database to count.
  const hits = engine === 'postgres' ? sharedHits(database) : memoryHits(clock)
  const app = createApp({
    settings,
    core,
    idempotency,
    hits,
    databaseWorks,
    metrics,
    secure: tls?.secure,
    stopping: stop,
    clock,
    log,
  })
  stack.defer(() => app.close())
  tls?.attach(app.server)
  const transport = createMailTransport(settings)
  stack.defer(() => {
    transport.close()
  })
  const listener = await openListener(app, settings, clock, log)
  const { url } = listener

  const alive = async (): Promise<string | undefined> => {
    // A new process may mend an embedded database; a PostgreSQL that is gone it would only miss once more.
    if (engine === 'sqlite' && !(await databaseWorks())) return 'the database takes no writes'
    return (await listener.answers()) ? undefined : 'the listener does not answer'
  }
  const serviceManager = createServiceManager(env, alive, clock, log)
  const background = new AbortController()
  const daily = {
    'old idempotency keys forgotten': () => idempotency.prune(),
    'old mails forgotten': () => pruneMails(database, clock),
    'old audit events forgotten': () => core.audit.prune(),
    'end of the audit trail told': () => tellEnd(database, log),
    'ended rate limits forgotten': () => hits.prune(),
    'certificates looked at': () => tls?.tellExpiry() ?? 0,
  }
  const loops = Promise.all([
    serviceManager.run(background.signal),
    everyDay(daily, background.signal, clock, log),
    flushTallies(core.audit, background.signal, clock, log),
    createReminders(core, clock, log).run(background.signal),
    deliverMails(
      { database, vault, mailbox, transport, clock, log },
      AbortSignal.any([stop, background.signal]),
    ),
  ])
  stack.defer(async () => {
    background.abort()
    await loops
  })
  print(`vlt-server listening on ${url}`)
  if (settings.vltDestination === undefined)
    log.warn('no --vlt-destination: registrations are refused with 503')
  if (settings.smtpUrl !== undefined && settings.mailFrom === defaults.mailFrom)
    log.warn('no --mail-from: most mail servers refuse mails that come from localhost')
  await serviceManager.ready(`listening on ${url}`)

  await untilAborted(stop)
  const stopBy = clock.monoMs() + stopBudgetMs
  log.info('stopping')
  const told = serviceManager.stopping()
  await clock.sleep(settings.drainMs, background.signal)
  await listener.closeBy(stopBy)
  await told
}
