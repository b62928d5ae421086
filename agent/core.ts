import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import type { AgentConfig } from './config.ts'
import type { Core } from './control/operations.ts'
import { Registrar } from './enrolment/registrar.ts'
import { Membership } from './kiosk/membership.ts'
import { startLoops } from './loops.ts'
import { Outbox } from './outbox/outbox.ts'
import { readsOnlyLf } from './reader-specs.ts'
import { agentStatus } from './status.ts'
import { Sync } from './sync/sync.ts'
import { remoteSystems } from './sync/systems/systems.ts'

/** Outbox and sync, without readers: what a command uses while no agent runs. */
export interface OpenCore extends Core, AsyncDisposable {
  /** Aborted by a bug in a loop, or with the AppError of a damaged outbox; the program must end. */
  readonly broken: AbortSignal
}

export interface CoreOptions {
  deliver: boolean
  /** How long a request in flight may still take once everything is disposed of. */
  stopWithinMs: number
  onServerState?: () => void
}

/**
 * Opens the outbox and, with `deliver`, starts to empty it. Disposing ends the request in flight within its deadline.
 */
export async function openCore(
  config: AgentConfig,
  clock: Clock,
  log: Log,
  { deliver, stopWithinMs, onServerState }: CoreOptions,
): Promise<OpenCore> {
  await using stack = new AsyncDisposableStack()
  const outbox = stack.use(openOutbox(config, clock, log))
  const registrar = new Registrar(outbox, clock)
  const membership = stack.use(
    new Membership({
      ...{ folder: config.data, serverUrl: config.serverUrl, outbox, clock, log },
      onChange: () => onServerState?.(),
    }),
  )
  const sync = new Sync({
    outbox,
    client: membership.client,
    serverUrl: membership.serverUrl,
    batches: membership.batches,
    systems: remoteSystems({
      registry: { username: config.registryUsername, passwordFile: config.registryPasswordFile },
    }),
    clock,
    log,
    onSettled: (id) => {
      registrar.settled(id)
    },
    onState: onServerState ?? (() => undefined),
  })
  membership.tell(sync)
  const loops = startLoops(stopWithinMs, clock, log)
  // No answer could be noted down in a damaged outbox: what is in flight goes again, under its key.
  if (deliver) loops.add((stop, cut) => sync.run(stop, AbortSignal.any([cut, outbox.damaged])))
  stack.use(loops)
  const status = () =>
    agentStatus({
      ...{ running: false, readers: [], outbox, server: sync.status, desk: undefined, pageUrl: null },
      kiosk: membership.status,
      pageHeartbeatAgeMs: null,
    })
  const owned = stack.move()
  return {
    outbox,
    membership,
    registrar,
    sync,
    status,
    readsOnlyLf: () => readsOnlyLf(config.reader),
    broken: AbortSignal.any([loops.broken, outbox.damaged]),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function openOutbox(config: AgentConfig, clock: Clock, log: Log): Outbox {
  const outbox = Outbox.open(config.data, clock, {
    keySecretFile: config.outboxKeyFile,
    limits: {
      maxRows: config.outboxMaxRows,
      maxBytes: config.outboxMaxMib * 1024 * 1024,
      minFreeBytes: config.diskFloorMib * 1024 * 1024,
    },
  })
  const { recovery } = outbox
  if (recovery !== undefined) {
    log.error({ code: 'outbox-corrupt', ...recovery }, 'the outbox was damaged; what could be read goes on')
  }
  return outbox
}
