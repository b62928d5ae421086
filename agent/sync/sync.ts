import { fullJitterMs, type BackOff } from '../../shared/back-off.ts'
import type { Clock } from '../../shared/clock.ts'
import { AppError, type ErrorCode } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { StoredRegistration, System } from '../outbox/registration.ts'
import { Alarm } from './alarm.ts'
import { classifyProbe, type Response, type Verdict } from './classify.ts'
import type { ServerClient } from './client.ts'
import { Pacing } from './pacing.ts'
import { mayBeTaken } from './systems/system.ts'
import type { RemoteSystems } from './systems/systems.ts'

export interface ServerStatus {
  url: string | null
  state: 'online' | 'offline' | 'paused'
  /** ISO 8601; the last time the server confirmed a registration. */
  lastSuccessAt: string | null
  /** Why it is not online. */
  reason: ErrorCode | null
  /** Systems behind that server that take nothing now, while the others go on. */
  held: { system: System; reason: ErrorCode }[]
}

/** After failures on the way to the server. */
const wayBackOff: BackOff = { baseMs: 1_000, capMs: 60_000 }
/** After failures of one row while others got through. */
const rowBackOff: BackOff = { baseMs: 1_000, capMs: 300_000 }
/** While a person has to mend something; the hint says what. */
const pauseBackOff: BackOff = { baseMs: 30_000, capMs: 300_000 }
/** Least distance between two attempts that live taps bring forward. */
const liveSpacingMs = 1_000
/** So long somebody who has tapped looks at the screen; then the registration goes in its turn. */
const liveMs = 20_000
/** An idle agent asks whether the server is there, so that `status` tells the truth. */
const probeEveryMs = 30_000

/**
 * Delivers the outbox, one registration at a time, for ever.
 *
 *   go      -> next row -> delivered | dead letter        -> go
 *                       -> retry: hold for the back-off, or as long as the server asked   -> go
 *                       -> pause: hold much longer, nothing marked                        -> go
 *   nothing to send -> probe the server now and then; a new registration wakes the loop
 *
 * A failed row is a *suspect*. If another row gets through before the suspect is tried again, the failure was the
 * suspect's own: it rests under a back-off of its own and no longer holds anybody up. If none gets through, the way
 * is blamed and order stays as it was.
 *
 * A system that refuses us by itself (`alone`) is held by itself: its rows stay, those of the others go on.
 */
export class Sync {
  readonly #outbox: Outbox
  readonly #client: ServerClient | undefined
  readonly #clock: Clock
  readonly #log: Log
  readonly #onSettled: (id: string) => void
  readonly #onState: () => void
  readonly #alarm: Alarm
  readonly #systems: RemoteSystems
  readonly #pacing: Record<System, Pacing>
  readonly #status: Omit<ServerStatus, 'held'>

  #hold: { kind: 'none' | 'back-off' | 'asked' | 'pause'; untilMonoMs: number } = {
    kind: 'none',
    untilMonoMs: 0,
  }
  #failuresInARow = 0
  #lastAttemptMonoMs = Number.NEGATIVE_INFINITY
  #nextProbeMonoMs = 0
  readonly #suspects = new Set<string>()
  /** Row -> when its own back-off is over, monotonic. */
  readonly #resting = new Map<string, number>()
  /** Rows somebody may still stand waiting for -> until when, monotonic. */
  readonly #live = new Map<string, number>()
  /** Systems that took nothing from us last -> when they are asked again, monotonic, and why. */
  readonly #held = new Map<System, { untilMonoMs: number; reason: ErrorCode }>()

  constructor(parts: {
    outbox: Outbox
    client: ServerClient | undefined
    serverUrl: string | undefined
    systems: RemoteSystems
    clock: Clock
    log: Log
    onSettled: (id: string) => void
    /** The status has changed. */
    onState: () => void
  }) {
    this.#outbox = parts.outbox
    this.#client = parts.client
    this.#clock = parts.clock
    this.#log = parts.log
    this.#onSettled = parts.onSettled
    this.#onState = parts.onState
    this.#alarm = new Alarm(parts.clock)
    this.#systems = parts.systems
    this.#pacing = {
      'vlt-clients': new Pacing(parts.clock),
      'digital-registry': new Pacing(parts.clock),
      'user-accounts': new Pacing(parts.clock),
    }
    this.#status =
      parts.client === undefined
        ? { url: null, state: 'paused', lastSuccessAt: null, reason: 'server-not-configured' }
        : { url: parts.serverUrl ?? null, state: 'offline', lastSuccessAt: null, reason: null }
  }

  get status(): ServerStatus {
    const held = [...this.#held].map(([system, { reason }]) => ({ system, reason }))
    return { ...this.#status, held }
  }

  /** A registration was accepted and somebody waits for its outcome: it goes first, and at once if it may. */
  expedite(id: string): void {
    this.#live.set(id, this.#clock.monoMs() + liveMs)
    if (this.#hold.kind === 'back-off') {
      this.#hold.untilMonoMs = Math.min(this.#hold.untilMonoMs, this.#lastAttemptMonoMs + liveSpacingMs)
    }
    this.#alarm.ring()
  }

  /** There is something to send. */
  wake(): void {
    this.#alarm.ring()
  }

  /** A person asked for it: lifts every back-off of ours, not one that the server asked for. */
  tryNow(): void {
    this.#resting.clear()
    this.#held.clear()
    if (this.#hold.kind !== 'asked') this.#hold = { kind: 'none', untilMonoMs: 0 }
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
        this.#holdFor('back-off', fullJitterMs(wayBackOff, ++this.#failuresInARow))
      }
    }
  }

  async #step(stop: AbortSignal, cut: AbortSignal): Promise<void> {
    const client = this.#client
    if (client === undefined) return this.#alarm.sleep(probeEveryMs, stop)
    const now = this.#clock.monoMs()
    if (this.#hold.untilMonoMs > now) return this.#alarm.sleep(this.#hold.untilMonoMs - now, stop)

    const row = this.#nextRow(now)
    if (row !== undefined) {
      const { path, bodyOf, repeatMayConflict } = this.#systems[row.system]
      const prepared = bodyOf(row.body)
      if ('error' in prepared) {
        this.#holdSystem(row, prepared.error, pauseBackOff.baseMs)
        return
      }
      this.#lastAttemptMonoMs = now
      if (repeatMayConflict) this.#outbox.noteSent(row.id)
      const response = await client.post(path, prepared.body, row.idempotencyKey, cut)
      if (cut.aborted) return
      this.#settle(row, response)
    } else if (this.#nextProbeMonoMs <= now) {
      const response = await client.probe(stop)
      if (!stop.aborted) this.#learnFromProbe(response)
    } else {
      let wakeAt = this.#nextProbeMonoMs
      for (const until of this.#resting.values()) wakeAt = Math.min(wakeAt, until)
      for (const { untilMonoMs } of this.#held.values()) {
        if (untilMonoMs > now) wakeAt = Math.min(wakeAt, untilMonoMs)
      }
      await this.#alarm.sleep(Math.max(1, wakeAt - now), stop)
    }
  }

  #nextRow(now: number): StoredRegistration | undefined {
    dropPast(this.#resting, now)
    dropPast(this.#live, now)
    const held = [...this.#held].filter(([, { untilMonoMs }]) => untilMonoMs > now).map(([system]) => system)
    const next = (resting: Iterable<string>): StoredRegistration | undefined =>
      this.#outbox.next(resting, this.#live.keys(), held)
    const row = next([...this.#resting.keys(), ...this.#suspects])
    if (row !== undefined || this.#suspects.size === 0) return row
    // Every row has failed since the last success: a new round.
    this.#suspects.clear()
    return next(this.#resting.keys())
  }

  #settle(row: StoredRegistration, response: Response): void {
    const { classify, repeatMayConflict } = this.#systems[row.system]
    const isRepeat = row.lastError === 'answer-lost'
    const verdict = classify(response, isRepeat)
    const paceMs = response.kind === 'answer' ? this.#pacing[row.system].observe(response.headers) : 0
    switch (verdict.kind) {
      case 'delivered':
        this.#outbox.markDelivered(row.id, verdict.receipt, verdict.error)
        this.#status.lastSuccessAt = this.#clock.now()
        this.#log.info({ registration: row.id, attempts: row.attempts + 1 }, 'delivered')
        this.#answered(row)
        break
      case 'dead':
        this.#outbox.markDead(row.id, verdict.error, verdict.receipt)
        this.#log.warn({ registration: row.id, code: verdict.error }, 'dead letter')
        this.#answered(row)
        break
      case 'retry':
      case 'pause': {
        // Whatever comes after a lost answer, the server may have the row until it says so or refuses it.
        const mayHaveIt = repeatMayConflict && (isRepeat || mayBeTaken(response))
        this.#outbox.recordAttempt(row.id, mayHaveIt ? 'answer-lost' : verdict.error)
        if (verdict.alone === true) this.#refusedAlone(row, verdict)
        else this.#failed(row, verdict)
        return
      }
    }
    if (paceMs <= 0) return
    if (row.system === 'vlt-clients') this.#holdFor('asked', paceMs)
    else this.#holdSystem(row, 'rate-limited', paceMs)
  }

  /** The server dealt with a row: the way is clear, so the suspects were at fault themselves. */
  #answered(row: StoredRegistration): void {
    this.#failuresInARow = 0
    this.#setState('online', null)
    this.#nextProbeMonoMs = this.#clock.monoMs() + probeEveryMs
    this.#hold = { kind: 'none', untilMonoMs: 0 }
    for (const id of this.#suspects) {
      if (id === row.id) continue
      const failures = this.#outbox.blame(id)
      this.#resting.set(id, this.#clock.monoMs() + fullJitterMs(rowBackOff, failures))
    }
    this.#suspects.clear()
    this.#live.delete(row.id)
    this.#held.delete(row.system)
    this.#onSettled(row.id)
  }

  /** The server is there and does its work; this system of it does not, for us. */
  #refusedAlone(row: StoredRegistration, verdict: Verdict & { kind: 'retry' | 'pause' }): void {
    this.#setState('online', null)
    const backOff = verdict.kind === 'pause' ? pauseBackOff : wayBackOff
    const ownMs = backOff.baseMs + fullJitterMs(backOff, row.attempts + 1)
    const askedMs = verdict.kind === 'retry' ? (verdict.waitMs ?? 0) : 0
    this.#holdSystem(row, verdict.error, Math.max(askedMs, ownMs))
  }

  #holdSystem({ system }: StoredRegistration, reason: ErrorCode, ms: number): void {
    const isNews = this.#held.get(system)?.reason !== reason
    if (isNews && reason !== 'rate-limited')
      this.#log.warn({ system, code: reason }, 'a system takes nothing from us')
    this.#held.set(system, { untilMonoMs: this.#clock.monoMs() + ms, reason })
    this.#onState()
  }

  #failed(row: StoredRegistration, verdict: Verdict & { kind: 'retry' | 'pause' }): void {
    this.#failuresInARow += 1
    if (verdict.kind === 'pause' || verdict.suspect) this.#suspects.add(row.id)
    const jitterMs = fullJitterMs(wayBackOff, this.#failuresInARow)
    // What was this row's own fault before is most likely so again: no reason to stop all the others.
    if (verdict.kind === 'pause' && row.failures === 0) {
      this.#setState('paused', verdict.error)
      this.#holdFor('pause', pauseBackOff.baseMs + fullJitterMs(pauseBackOff, this.#failuresInARow))
      return
    }
    const reached = verdict.error === 'rate-limited' || verdict.error === 'request-in-progress'
    this.#setState(reached ? 'online' : 'offline', reached ? null : verdict.error)
    const askedMs = verdict.kind === 'retry' ? verdict.waitMs : undefined
    if (askedMs === undefined) this.#holdFor('back-off', jitterMs)
    // Kiosks that were all told the same second still spread out; a server that says "now" is still not hurried.
    else this.#holdFor('asked', Math.max(askedMs + Math.min(jitterMs, 1_000), jitterMs))
  }

  #learnFromProbe(response: Response): void {
    const failure = classifyProbe(response)
    if (failure === undefined) this.#failuresInARow = 0
    else this.#failuresInARow += 1
    this.#setState(failure?.state ?? 'online', failure?.error ?? null)
    const waitMs = failure === undefined ? probeEveryMs : fullJitterMs(wayBackOff, this.#failuresInARow)
    this.#nextProbeMonoMs = this.#clock.monoMs() + Math.max(waitMs, liveSpacingMs)
  }

  #setState(state: ServerStatus['state'], reason: ErrorCode | null): void {
    if (this.#status.state === state && this.#status.reason === reason) return
    this.#status.state = state
    this.#status.reason = reason
    if (state === 'online') this.#log.info('server online')
    else this.#log.warn({ state, code: reason }, 'server not reachable as it should be')
    this.#onState()
  }

  #holdFor(kind: 'back-off' | 'asked' | 'pause', ms: number): void {
    this.#hold = { kind, untilMonoMs: this.#clock.monoMs() + ms }
  }
}

function dropPast(untilMonoMs: Map<string, number>, now: number): void {
  for (const [id, until] of untilMonoMs) if (until <= now) untilMonoMs.delete(id)
}
