import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { Alarm } from './alarm.ts'
import { BatchDelivery } from './batch-delivery.ts'
import { batched, type Batches } from './batches.ts'
import type { ServerClient } from './client.ts'
import type { ServerStatus } from './server-status.ts'
import { SingleDelivery } from './single-delivery.ts'
import type { RemoteSystems } from './systems/systems.ts'
import { Turns } from './turns.ts'
import { Way } from './way.ts'

/** Least distance between two attempts that live taps bring forward. */
const liveSpacingMs = 1_000
/** Nothing is due before that without being rung for. */
const longestSleepMs = 30_000

/**
 * Delivers the outbox, one request at a time, for ever: in batches where this machine has joined the server (see
 * batch-delivery.ts), else, and for systems that take none, one registration by one (see single-delivery.ts).
 *
 *   go      -> next rows -> each delivered | dead letter    -> go
 *                        -> retry: hold for the back-off, or as long as the server asked   -> go
 *                        -> pause: hold much longer, nothing marked                        -> go
 *   nothing to send -> probe the server now and then; a new registration wakes the loop
 *
 * Which rows are next, and which failure was a row's own, is for turns.ts; what a failure means for all, for way.ts.
 *
 * A system that refuses us by itself (`alone`) is held by itself: its rows stay, those of the others go on.
 */
export class Sync {
  #client: ServerClient | undefined
  #url: string | null
  readonly #batches: Batches
  readonly #clock: Clock
  readonly #log: Log
  readonly #alarm: Alarm
  readonly #turns: Turns
  readonly #way: Way
  readonly #inBatches: BatchDelivery
  readonly #oneByOne: SingleDelivery
  #lastAttemptMonoMs = Number.NEGATIVE_INFINITY

  constructor(parts: {
    outbox: Outbox
    client: ServerClient | undefined
    serverUrl: string | undefined
    batches: Batches
    systems: RemoteSystems
    clock: Clock
    log: Log
    onSettled: (id: string) => void
    /** The status has changed. */
    onState: () => void
  }) {
    const { outbox, client, batches, systems, clock, log, onState } = parts
    this.#client = client
    this.#url = client === undefined ? null : (parts.serverUrl ?? null)
    this.#batches = batches
    this.#clock = clock
    this.#log = log
    this.#alarm = new Alarm(clock)
    this.#turns = new Turns(outbox, clock)
    this.#way = new Way({ ...parts, turns: this.#turns, hasServer: client !== undefined })
    const shared = { outbox, systems, clock, log, way: this.#way }
    this.#inBatches = new BatchDelivery({ ...shared, turns: this.#turns, batches, onFallBack: onState })
    this.#oneByOne = new SingleDelivery({ ...shared, channel: batches.channel })
  }

  get status(): ServerStatus {
    const reason = this.#batches.reason(this.#url)
    return {
      url: this.#url,
      ...this.#way.state,
      held: this.#turns.held,
      delivery: reason === null ? 'batches' : 'documented',
      deliveryReason: reason === 'kiosk-not-joined' ? null : reason,
    }
  }

  /** Delivers to this server from now on: a machine has joined one, or another, while it ran. */
  use(client: ServerClient, serverUrl: string): void {
    this.#client = client
    this.#url = serverUrl
    if (this.#way.state.reason === 'server-not-configured') this.#way.become('offline', null)
    this.#batches.tryAgain()
    this.#inBatches.reportSoon()
    this.tryNow()
  }

  /** A registration was accepted and somebody waits for its outcome: it goes first, and at once if it may. */
  expedite(id: string): void {
    this.#turns.expedite(id)
    this.#way.hold.hurry(this.#lastAttemptMonoMs + liveSpacingMs)
    this.#alarm.ring()
  }

  /** There is something to send. */
  wake(): void {
    this.#alarm.ring()
  }

  /** A person asked for it: lifts every back-off of ours, not one that the server asked for, and looks for the server. */
  tryNow(): void {
    this.#turns.tryAll()
    this.#batches.tryAgain()
    this.#way.nextProbeMonoMs = 0
    this.#way.hold.lift()
    this.#alarm.ring()
  }

  /**
   * Returns when `stop` aborts, after the request in flight has ended; `cut` ends that too.
   * Throws only on bugs.
   */
  async run(stop: AbortSignal, cut: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        await this.#step(stop, cut)
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        // The disk is full or failing: what was delivered is not yet marked, and is sent again under the same key.
        this.#log.error({ code: error.code, err: error }, 'the outbox cannot be written')
        this.#way.cannotWrite()
      }
    }
  }

  async #step(stop: AbortSignal, cut: AbortSignal): Promise<void> {
    const client = this.#client
    if (client === undefined) return this.#alarm.sleep(longestSleepMs, stop)
    const { leftMs } = this.#way.hold
    if (leftMs > 0) return this.#alarm.sleep(leftMs, stop)

    const now = this.#clock.monoMs()
    const usesBatches = this.#batches.isUsable(this.#url)
    if (usesBatches && this.#inBatches.isReportDue(now)) return this.#inBatches.report(client, cut)
    const rows = usesBatches ? this.#inBatches.next() : this.#turns.next(1, false)
    const [row] = rows
    if (row === undefined) return this.#idle(client, now, stop)
    this.#lastAttemptMonoMs = now
    if (usesBatches && row.system === batched) return this.#inBatches.send(client, rows, cut)
    return this.#oneByOne.send(client, row, cut)
  }

  async #idle(client: ServerClient, now: number, stop: AbortSignal): Promise<void> {
    const { nextProbeMonoMs } = this.#way
    if (nextProbeMonoMs <= now) {
      const response = await client.probe(stop)
      if (!stop.aborted) this.#way.probed(response)
      return
    }
    const { heldUntilMonoMs } = this.#batches.drain
    // It may be over since we looked.
    const releaseAt = heldUntilMonoMs > now ? heldUntilMonoMs : Number.POSITIVE_INFINITY
    const wakeAt = Math.min(nextProbeMonoMs, this.#turns.wakeAtMonoMs, releaseAt)
    await this.#alarm.sleep(Math.max(1, wakeAt - now), stop)
  }
}
