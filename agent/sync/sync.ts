import { fullJitterMs, type BackOff } from '../../shared/back-off.ts'
import type { Clock } from '../../shared/clock.ts'
import { AppError, type ErrorCode } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { StoredRegistration, System } from '../outbox/registration.ts'
import { Alarm } from './alarm.ts'
import { classifyProbe, type Response, type Verdict } from './classify.ts'
import { batched, type Batches, type Failure, type Outcome, sortAnswers } from './batches.ts'
import type { ServerClient } from './client.ts'
import { wayBackOff } from './drain.ts'
import { Hold } from './hold.ts'
import { Pacing } from './pacing.ts'
import { mayBeTaken } from './systems/system.ts'
import type { RemoteSystems } from './systems/systems.ts'
import { Turns } from './turns.ts'

export interface ServerStatus {
  url: string | null
  state: 'online' | 'offline' | 'paused'
  /** ISO 8601; the last time the server confirmed a registration. */
  lastSuccessAt: string | null
  /** Why it is not online. */
  reason: ErrorCode | null
  /** Batches need a machine that has joined the server; `deliveryReason` says why a joined one does without. */
  delivery: 'batches' | 'documented'
  deliveryReason: ErrorCode | null
  /** Systems behind that server that take nothing now, while the others go on. */
  held: { system: System; reason: ErrorCode }[]
}

/** While a person has to mend something; the hint says what. */
const pauseBackOff: BackOff = { baseMs: 30_000, capMs: 300_000 }
/** Least distance between two attempts that live taps bring forward. */
const liveSpacingMs = 1_000
/** An idle agent asks whether the server is there, so that `status` tells the truth. */
const probeEveryMs = 30_000
/** A kiosk says how far its outbox has come: so often while nothing happens, and at most so often while much does. */
const reportEveryMs = 300_000
const reportSpacingMs = 60_000

/**
 * Delivers the outbox, one request at a time, for ever: in batches where this machine has joined the server (see
 * batches.ts and drain.ts), else, and for systems that take none, one registration by one.
 *
 *   go      -> next rows -> each delivered | dead letter    -> go
 *                        -> retry: hold for the back-off, or as long as the server asked   -> go
 *                        -> pause: hold much longer, nothing marked                        -> go
 *   nothing to send -> probe the server now and then; a new registration wakes the loop
 *
 * Which rows are next, and which failure was a row's own, is for turns.ts.
 *
 * A system that refuses us by itself (`alone`) is held by itself: its rows stay, those of the others go on.
 */
export class Sync {
  readonly #outbox: Outbox
  #client: ServerClient | undefined
  readonly #batches: Batches
  readonly #clock: Clock
  readonly #log: Log
  readonly #onSettled: (id: string) => void
  readonly #onState: () => void
  readonly #alarm: Alarm
  readonly #turns: Turns
  readonly #systems: RemoteSystems
  readonly #pacing: Record<System, Pacing>
  readonly #batchPacing: Pacing
  readonly #status: Omit<ServerStatus, 'held' | 'delivery' | 'deliveryReason'>

  readonly #hold: Hold

  #failuresInARow = 0
  #lastAttemptMonoMs = Number.NEGATIVE_INFINITY
  #nextProbeMonoMs = 0
  #lastReportMonoMs = Number.NEGATIVE_INFINITY
  #nextReportMonoMs = 0

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
    this.#outbox = parts.outbox
    this.#client = parts.client
    this.#clock = parts.clock
    this.#log = parts.log
    this.#onSettled = parts.onSettled
    this.#onState = parts.onState
    this.#alarm = new Alarm(parts.clock)
    this.#turns = new Turns(parts.outbox, parts.clock)
    this.#hold = new Hold(parts.clock)
    this.#systems = parts.systems
    this.#batches = parts.batches
    this.#batchPacing = new Pacing(parts.clock)
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
    const reason = this.#batches.reason(this.#status.url)
    return {
      ...this.#status,
      held: this.#turns.held,
      delivery: reason === null ? 'batches' : 'documented',
      deliveryReason: reason === 'kiosk-not-joined' ? null : reason,
    }
  }

  /** Delivers to this server from now on: a machine has joined one, or another, while it ran. */
  use(client: ServerClient, serverUrl: string): void {
    this.#client = client
    this.#status.url = serverUrl
    if (this.#status.reason === 'server-not-configured') this.#setState('offline', null)
    this.#batches.tryAgain()
    this.#nextReportMonoMs = 0
    this.tryNow()
  }

  /** A registration was accepted and somebody waits for its outcome: it goes first, and at once if it may. */
  expedite(id: string): void {
    this.#turns.expedite(id)
    this.#hold.hurry(this.#lastAttemptMonoMs + liveSpacingMs)
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
    this.#nextProbeMonoMs = 0
    this.#hold.lift()
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
        this.#turns.recallScout()
        const backOffMs = fullJitterMs(wayBackOff, ++this.#failuresInARow)
        if (this.#hold.leftMs < backOffMs) this.#hold.backOff(backOffMs)
      }
    }
  }

  async #step(stop: AbortSignal, cut: AbortSignal): Promise<void> {
    const client = this.#client
    if (client === undefined) return this.#alarm.sleep(probeEveryMs, stop)
    const now = this.#clock.monoMs()
    const { leftMs } = this.#hold
    if (leftMs > 0) return this.#alarm.sleep(leftMs, stop)

    const usesBatches = this.#batches.isUsable(this.#status.url)
    const rows = this.#nextRows(usesBatches)
    const [row] = rows
    const mayReport = usesBatches && !this.#turns.isAnybodyWaiting && !this.#batches.drain.isHeld
    if (mayReport && this.#nextReportMonoMs <= now) {
      await this.#report(client, now, cut)
    } else if (row === undefined) {
      await this.#idle(client, now, stop)
    } else if (usesBatches && row.system === batched) {
      await this.#sendBatch(client, rows, now, cut)
    } else {
      await this.#sendOne(client, row, now, cut)
    }
  }

  async #sendOne(
    client: ServerClient,
    row: StoredRegistration,
    now: number,
    cut: AbortSignal,
  ): Promise<void> {
    const { path, bodyOf, repeatMayConflict } = this.#systems[row.system]
    const prepared = bodyOf(row.body)
    if ('error' in prepared) {
      this.#holdSystem(row, prepared.error, pauseBackOff.baseMs)
      return
    }
    this.#lastAttemptMonoMs = now
    if (repeatMayConflict) this.#outbox.noteSent(row.id)
    const response = await client.post(path, prepared.body, row.idempotencyKey, cut)
    if (!cut.aborted) this.#settle(row, response)
  }

  async #sendBatch(
    client: ServerClient,
    rows: StoredRegistration[],
    now: number,
    cut: AbortSignal,
  ): Promise<void> {
    this.#lastAttemptMonoMs = now
    const outcome = await this.#batches.send(client, this.#outbox.epoch, rows, cut)
    if (cut.aborted) return
    if (outcome.kind === 'answered') {
      this.#batches.drain.taken(this.#clock.monoMs() - now)
      const paceMs = this.#batchPacing.observe(outcome.paceHeaders)
      this.#hold.ask(paceMs)
      this.#settleBatch(rows, outcome.responses)
      return
    }
    // First how long to wait: the outbox may take no write.
    this.#batchFailed(rows, outcome)
    if (outcome.kind === 'fall-back') return
    const { error } = outcome.verdict
    this.#outbox.settleAll(rows.map(({ id }) => ({ id, state: 'pending', error })))
  }

  /** Each by its own answer, all in one commit. */
  #settleBatch(rows: StoredRegistration[], responses: Response[]): void {
    const classify = (row: StoredRegistration, response: Response): Verdict =>
      this.#systems[row.system].classify(response, false)
    const { settlements, settled, failed } = sortAnswers(rows, responses, classify)
    // First how long to wait: the outbox may take no write.
    if (settled.length === 0) this.#failed(failed)
    else this.#failedAmongOthers(failed)
    this.#outbox.settleAll(settlements)
    const delivered = settlements.filter(({ state }) => state === 'delivered').length
    if (delivered > 0) this.#status.lastSuccessAt = this.#clock.now()
    const dead = settled.length - delivered
    this.#log.info({ delivered, dead, failed: failed.length }, 'batch')
    if (settled.length > 0) this.#answered(settled)
    this.#nextReportMonoMs = Math.max(this.#lastReportMonoMs + reportSpacingMs, this.#clock.monoMs())
  }

  /** The request as a whole: no registration is to blame unless it was alone. */
  #batchFailed(rows: StoredRegistration[], outcome: Exclude<Outcome, { kind: 'answered' }>): void {
    const { drain } = this.#batches
    if (outcome.kind === 'fall-back') {
      this.#onState()
      return
    }
    const { verdict } = outcome
    this.#failuresInARow += 1
    if (verdict.kind === 'pause') {
      this.#setState('paused', verdict.error)
      this.#hold.pause(this.#pauseMs())
      return
    }
    const [row] = rows
    const isSuspect = verdict.suspect && rows.length === 1 && row !== undefined
    if (isSuspect) this.#turns.suspect(row.id)
    const { error, waitMs } = verdict
    const isAsked = error === 'rate-limited' || (error === 'server-unavailable' && waitMs !== undefined)
    if (isAsked) drain.refused(waitMs ?? 0)
    const holdMs = isAsked ? 0 : drain.failed()
    const isReached = error === 'rate-limited' || error === 'rejected-too-large'
    this.#setState(isReached ? 'online' : 'offline', isReached ? null : error)
    // Alone it was no part of a drain: the kiosk itself has used its limit up.
    if (isAsked && rows.length === 1) this.#hold.ask(drain.heldUntilMonoMs - this.#clock.monoMs())
    if (isAsked || error === 'rejected-too-large' || (isSuspect && this.#turns.sendScout([row]))) return
    this.#hold.backOff(holdMs)
  }

  async #report(client: ServerClient, now: number, cut: AbortSignal): Promise<void> {
    const outcome = await this.#batches.report(client, this.#outbox.watermark(), cut)
    if (cut.aborted) return
    this.#lastReportMonoMs = now
    this.#nextReportMonoMs = now + reportEveryMs
    if (outcome !== undefined && outcome.kind !== 'answered') {
      // A server that is not there is asked again once it is, one that asked to wait in its time.
      const isPause = outcome.kind === 'failed' && outcome.verdict.kind === 'pause'
      this.#nextReportMonoMs = now + (isPause ? 0 : reportSpacingMs)
      this.#batchFailed([], outcome)
      return
    }
    this.#failuresInARow = 0
    this.#nextProbeMonoMs = this.#clock.monoMs() + probeEveryMs
    if (this.#batches.gaps.length > 0) {
      this.#log.error({ gaps: this.#batches.gaps }, 'the server does not hold what was delivered to it')
    }
    this.#setState('online', null)
  }

  async #idle(client: ServerClient, now: number, stop: AbortSignal): Promise<void> {
    if (this.#nextProbeMonoMs <= now) {
      const response = await client.probe(stop)
      if (!stop.aborted) this.#learnFromProbe(response)
      return
    }
    const { drain } = this.#batches
    const releaseAt = drain.isHeld ? drain.heldUntilMonoMs : Number.POSITIVE_INFINITY
    const wakeAt = Math.min(this.#nextProbeMonoMs, this.#turns.wakeAtMonoMs, releaseAt)
    await this.#alarm.sleep(Math.max(1, wakeAt - now), stop)
  }

  #nextRows(usesBatches: boolean): StoredRegistration[] {
    const { drain } = this.#batches
    const rows = usesBatches ? this.#turns.next(drain.size, drain.isHeld) : this.#turns.next(1, false)
    if (!usesBatches || rows[0]?.system !== batched) return rows.slice(0, 1)
    return this.#batches.fitting(rows.filter(({ system }) => system === batched))
  }

  #settle(row: StoredRegistration, response: Response): void {
    const { classify, repeatMayConflict } = this.#systems[row.system]
    const isRepeat = row.lastError === 'answer-lost'
    const verdict = classify(response, isRepeat)
    const paceMs = response.kind === 'answer' ? this.#pacing[row.system].observe(response.headers) : 0
    const isSettled = verdict.kind === 'delivered' || verdict.kind === 'dead'
    // First how long to wait: the outbox may take no write.
    if (isSettled && paceMs > 0) {
      if (row.system === 'vlt-clients') this.#hold.ask(paceMs)
      else this.#holdSystem(row, 'rate-limited', paceMs)
    }
    switch (verdict.kind) {
      case 'delivered':
        this.#batches.channel.countDocumented()
        this.#outbox.markDelivered(row.id, verdict.receipt, verdict.error)
        this.#status.lastSuccessAt = this.#clock.now()
        this.#log.info({ registration: row.id, attempts: row.attempts + 1 }, 'delivered')
        this.#answered([row])
        break
      case 'dead':
        this.#outbox.markDead(row.id, verdict.error, verdict.receipt)
        this.#log.warn({ registration: row.id, code: verdict.error }, 'dead letter')
        this.#answered([row])
        break
      case 'retry':
      case 'pause': {
        // Whatever comes after a lost answer, the server may have the row until it says so or refuses it.
        const mayHaveIt = repeatMayConflict && (isRepeat || mayBeTaken(response))
        if (verdict.alone === true) this.#refusedAlone(row, verdict)
        else this.#failed([{ row, verdict }])
        this.#outbox.recordAttempt(row.id, mayHaveIt ? 'answer-lost' : verdict.error)
      }
    }
  }

  #answered(rows: StoredRegistration[]): void {
    this.#failuresInARow = 0
    this.#setState('online', null)
    this.#nextProbeMonoMs = this.#clock.monoMs() + probeEveryMs
    this.#turns.settled(rows)
    for (const { id } of rows) this.#onSettled(id)
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
    const isNews = this.#turns.hold(system, reason, ms)
    if (isNews && reason !== 'rate-limited')
      this.#log.warn({ system, code: reason }, 'a system takes nothing from us')
    this.#onState()
  }

  /** While others got through in the same request. */
  #failedAmongOthers(failures: Failure[]): void {
    for (const { row, verdict } of failures) {
      if (isSuspect(verdict)) this.#turns.suspect(row.id)
      if (verdict.kind === 'retry' && verdict.waitMs !== undefined) {
        this.#turns.keepAway(row.id, verdict.waitMs)
      }
    }
  }

  /** Nothing got through. */
  #failed(failures: Failure[]): void {
    const [first] = failures
    if (first === undefined) return
    this.#failuresInARow += 1
    const suspects = failures.filter(({ verdict }) => isSuspect(verdict)).map(({ row }) => row)
    for (const { id } of suspects) this.#turns.suspect(id)
    const asked = failures.flatMap(({ verdict }) => (verdict.kind === 'retry' ? (verdict.waitMs ?? []) : []))
    const jitterMs = fullJitterMs(wayBackOff, this.#failuresInARow)
    const { row, verdict } = first
    const reached = verdict.error === 'rate-limited' || verdict.error === 'request-in-progress'
    // What was this row's own fault before is most likely so again: no reason to stop all the others.
    const isPause = verdict.kind === 'pause' && row.failures === 0
    this.#setState(isPause ? 'paused' : reached ? 'online' : 'offline', reached ? null : verdict.error)
    // Kiosks that were all told the same second still spread out; a server that says "now" is still not hurried.
    if (asked.length > 0) this.#hold.ask(Math.max(Math.max(...asked) + Math.min(jitterMs, 1_000), jitterMs))
    else if (this.#turns.sendScout(suspects)) return
    if (isPause) this.#hold.pause(this.#pauseMs())
    else if (asked.length === 0) this.#hold.backOff(jitterMs)
  }

  #pauseMs(): number {
    return pauseBackOff.baseMs + fullJitterMs(pauseBackOff, this.#failuresInARow)
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
}

function isSuspect(verdict: Failure['verdict']): boolean {
  return verdict.kind === 'pause' || verdict.suspect
}
