import { join } from 'node:path'
import { SimulatedDevices } from '../devices/drivers/simulated-devices.ts'
import type { Feedback } from '../devices/reader.ts'
import { superviseReader, type SupervisedReader } from '../devices/supervisor.ts'
import type { Clock } from '../shared/clock.ts'
import { AppError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { AgentConfig } from './config.ts'
import { coreOperations, lobbyOperations, type Core } from './control/operations.ts'
import { socketPath } from './control/protocol.ts'
import { openControlServer } from './control/server.ts'
import { forgetStaleDraft } from './enrolment/customer/draft.ts'
import { diagnose, writeBundle } from './doctor/bundle.ts'
import { openCore } from './core.ts'
import { EnrolmentDesk } from './enrolment/desk.ts'
import { refused } from './enrolment/registrar.ts'
import { tendOutbox } from './outbox/tend.ts'
import { startLoops } from './loops.ts'
import { readSpecs } from './reader-specs.ts'
import { createCardLookup } from './page/card-lookup.ts'
import { PageEnrolments } from './page/enrolments.ts'
import { readPageFiles } from './page/files.ts'
import { Machine } from './page/operator/machine.ts'
import { Heartbeat } from './page/heartbeat.ts'
import { readPageSecret } from './page/secret.ts'
import { openPage, type OpenPage, type PageParts } from './page/server.ts'
import { PageState } from './page/state.ts'
import { agentStatus } from './status.ts'

/** How long a request in flight may still take once the agent is told to stop. */
const stopWithinMs = 10_000
const draftEveryMs = 60 * 60 * 1000
/** How long `ready` waits for the first look at every reader. */
const firstLookMs = 2_000

export interface OpenAgent extends AsyncDisposable {
  /** Where the kiosk page is; null when its port could not be had. */
  readonly pageUrl: string | null
  /** Aborted, with an AppError where it is no bug, once the program must end. */
  readonly broken: AbortSignal
  /** Answers why the agent is not doing its work, or undefined while it does. */
  alive(): Promise<string | undefined>
}

/**
 * The whole agent. Parts open in the order outbox, sync, page, control, readers and close in reverse, so that a stop
 * ends the taps first and the outbox last.
 */
export async function openAgent(config: AgentConfig, clock: Clock, log: Log): Promise<OpenAgent> {
  const specs = await readSpecs(config.reader)
  await using stack = new AsyncDisposableStack()
  let serverStateChanged = (): void => undefined
  const core = stack.use(
    await openCore(config, clock, log, {
      deliver: true,
      stopWithinMs,
      onServerState: () => {
        serverStateChanged()
      },
    }),
  )
  const over = new AbortController()
  stack.defer(() => {
    over.abort()
  })
  const lookUp = createCardLookup(() => core.membership.client, config.clientSecretFile, over.signal)
  const pageState = stack.use(new PageState(core.registrar, clock, lookUp))
  const heartbeat = new Heartbeat(clock)
  serverStateChanged = () => {
    pageState.changed()
  }
  const desk = new EnrolmentDesk(core.registrar, clock, log, (notice) => {
    if (notice.kind === 'accepted') core.sync.expedite(notice.registration.id)
    pageState.show(notice)
  })
  pageState.watchDesk(() => desk.waiting)
  const { damaged } = core.outbox
  damaged.addEventListener('abort', () => {
    const { code, message } = damaged.reason as AppError
    log.fatal({ code }, `out of service: ${message}`)
    pageState.show({ kind: 'refused', outcome: refused(damaged.reason as AppError) })
  })
  stack.defer(() => void desk.cancel())

  const simulatedDevices = new SimulatedDevices(clock)
  const readers = specs.map((spec) => {
    const reader: SupervisedReader = superviseReader({
      spec,
      clock,
      log,
      simulatedDevices,
      onTap: (tap) => {
        const show = (what: Feedback): void => {
          reader.feedback(what, tap)
        }
        const now = desk.accept(tap, show)
        if (now !== undefined) show(now)
      },
      onRejected: ({ code }) => {
        if (code === 'cards-several') desk.twoCards(spec.id)
        else pageState.unclear()
      },
      onState: () => {
        pageState.changed()
      },
    })
    return reader
  })
  let pageUrl: string | null = null
  const status = () =>
    agentStatus({
      running: true,
      readers: readers.map((reader) => reader.status),
      outbox: core.outbox,
      server: core.sync.status,
      kiosk: core.membership.status,
      desk,
      pageUrl,
      pageHeartbeatAgeMs: heartbeat.ageMs,
    })
  const { outbox, membership, registrar, sync, readsOnlyLf } = core
  const running: Core = { outbox, membership, registrar, sync, status, readsOnlyLf }

  const enrolments = new PageEnrolments(desk, () => {
    if (core.outbox.fill().level === 'full')
      throw new AppError('outbox-full', 'there is no room for another registration')
    core.outbox.probe()
  })
  const machine = new Machine(config.data)
  const page = await openPageOrWarn(config, log, (files, secret) => ({
    state: pageState,
    enrolments,
    heartbeat,
    files,
    secret,
    clock,
    log,
    operator: {
      core: running,
      readers,
      machine,
      data: config.data,
      writeBundle: () => bundleNow(config, running, clock),
    },
    health: () => ({
      volume: machine.volume,
      readerReady: readers.some((reader) => reader.status.state === 'ready'),
      serverOnline: core.sync.status.state === 'online',
    }),
  }))
  if (page !== undefined) pageUrl = stack.use(page).url
  stack.use(
    await openControlServer(
      socketPath(config.data),
      { ...coreOperations(running), ...lobbyOperations(running, { desk, readers, simulatedDevices }) },
      log,
    ),
  )
  const loops = startLoops(stopWithinMs, clock, log)
  loops.add((stop) => tendOutbox(core.outbox, clock, log, stop))
  loops.add((stop) => forgetDrafts(config.data, clock, log, stop))
  for (const reader of readers) loops.add((stop) => reader.run(stop))
  stack.use(loops)
  await firstLook(readers, clock)

  const owned = stack.move()
  return {
    pageUrl,
    broken: AbortSignal.any([core.broken, loops.broken]),
    alive: () => alive(core, pageUrl),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** For the operator's area, beside the agent's data; answers where. */
function bundleNow(config: AgentConfig, core: Core, clock: Clock): string {
  const path = join(config.data, `report-${clock.now().replaceAll(':', '')}.json`)
  const told = { status: core.status(), condition: coreOperations(core).doctor() }
  writeBundle(path, diagnose(config, told, clock))
  return path
}

/** The watchdog's question: does the outbox take a write, and does the event loop answer a request? */
async function alive(core: Core, pageUrl: string | null): Promise<string | undefined> {
  try {
    core.outbox.probe()
  } catch (error) {
    // A full disk is the operator's to mend and shown to everybody; a restart would not help.
    if (!(error instanceof AppError && error.code === 'disk-full')) return 'the outbox takes no write'
  }
  if (pageUrl === null) return undefined
  const answer = await fetch(`${pageUrl}/health/live`, { signal: AbortSignal.timeout(5_000) }).catch(
    () => undefined,
  )
  return answer?.ok === true ? undefined : 'the page is not served'
}

/** Registrations matter more than the page: a taken port costs the page, not the agent. */
async function openPageOrWarn(
  config: AgentConfig,
  log: Log,
  parts: (files: PageParts['files'], secret: string) => PageParts,
): Promise<OpenPage | undefined> {
  try {
    const secret = readPageSecret(config.data, config.pageSecretFile)
    const isLocked = config.pageSecretFile !== undefined
    return await openPage({ ...config, isLocked }, parts(readPageFiles(), secret))
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    log.error({ code: error.code, hint: error.hint }, error.message)
    return undefined
  }
}

/** What was begun a day ago is not finished any more. */
async function forgetDrafts(dataFolder: string, clock: Clock, log: Log, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      forgetStaleDraft(dataFolder, clock.now())
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      log.error({ code: error.code, err: error }, 'what was begun and not finished could not be removed')
    }
    await clock.sleep(draftEveryMs, stop)
  }
}

async function firstLook(readers: SupervisedReader[], clock: Clock): Promise<void> {
  const looked = (): boolean =>
    readers.every(({ status }) => status.state === 'ready' || status.fault !== null)
  const deadline = clock.monoMs() + firstLookMs
  while (!looked() && clock.monoMs() < deadline) await clock.sleep(10, new AbortController().signal)
}
