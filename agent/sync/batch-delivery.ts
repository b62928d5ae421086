import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { StoredRegistration } from '../outbox/registration.ts'
import { batched, type Batches, type Outcome, sortAnswers } from './batches.ts'
import type { Response } from './classify.ts'
import type { ServerClient } from './client.ts'
import { Pacing } from './pacing.ts'
import type { RemoteSystems } from './systems/systems.ts'
import type { Turns } from './turns.ts'
import type { Way } from './way.ts'

/** So often a kiosk says how far its outbox has come while nothing happens, and at most so often while much does. */
const reportEveryMs = 300_000
const reportSpacingMs = 60_000

/** Delivery of many registrations at a time, and reports, for a machine that has joined the server. */
export class BatchDelivery {
  readonly #outbox: Outbox
  readonly #way: Way
  readonly #turns: Turns
  readonly #batches: Batches
  readonly #systems: RemoteSystems
  readonly #clock: Clock
  readonly #log: Log
  readonly #onFallBack: () => void
  readonly #pacing: Pacing
  #lastReportMonoMs = Number.NEGATIVE_INFINITY
  #nextReportMonoMs = 0

  constructor(parts: {
    outbox: Outbox
    way: Way
    turns: Turns
    batches: Batches
    systems: RemoteSystems
    clock: Clock
    log: Log
    onFallBack: () => void
  }) {
    this.#outbox = parts.outbox
    this.#way = parts.way
    this.#turns = parts.turns
    this.#batches = parts.batches
    this.#systems = parts.systems
    this.#clock = parts.clock
    this.#log = parts.log
    this.#onFallBack = parts.onFallBack
    this.#pacing = new Pacing(parts.clock)
  }

  /** The rows to send next, of those whose turn it is: one alone where its system takes no batches. */
  next(): StoredRegistration[] {
    const { drain } = this.#batches
    const rows = this.#turns.next(drain.size, drain.isHeld)
    if (rows[0]?.system !== batched) return rows.slice(0, 1)
    return this.#batches.fitting(rows.filter(({ system }) => system === batched))
  }

  async send(client: ServerClient, rows: StoredRegistration[], cut: AbortSignal): Promise<void> {
    const sentMonoMs = this.#clock.monoMs()
    const outcome = await this.#batches.send(client, this.#outbox.epoch, rows, cut)
    if (cut.aborted) return
    // First how long to wait: the outbox may take no write.
    if (outcome.kind === 'answered') {
      this.#batches.drain.taken(this.#clock.monoMs() - sentMonoMs)
      this.#way.hold.ask(this.#pacing.observe(outcome.paceHeaders))
      this.#settle(rows, outcome.responses)
      return
    }
    this.#failed(rows, outcome)
    if (outcome.kind === 'fall-back') return
    const { error } = outcome.verdict
    this.#outbox.settleAll(rows.map(({ id }) => ({ id, state: 'pending', error })))
  }

  isReportDue(now: number): boolean {
    return this.#nextReportMonoMs <= now && !this.#turns.isHurried && !this.#batches.drain.isHeld
  }

  /** Another server: it is told at once. */
  reportSoon(): void {
    this.#nextReportMonoMs = 0
  }

  async report(client: ServerClient, cut: AbortSignal): Promise<void> {
    const now = this.#clock.monoMs()
    const outcome = await this.#batches.report(client, this.#outbox.watermark(), cut)
    if (cut.aborted) return
    this.#lastReportMonoMs = now
    this.#nextReportMonoMs = now + reportEveryMs
    if (outcome !== undefined && outcome.kind !== 'answered') {
      // A server that is not there is asked again once it is, one that asked to wait in its time.
      const isPause = outcome.kind === 'failed' && outcome.verdict.kind === 'pause'
      this.#nextReportMonoMs = now + (isPause ? 0 : reportSpacingMs)
      this.#failed([], outcome)
      return
    }
    if (this.#batches.gaps.length > 0) {
      this.#log.error({ gaps: this.#batches.gaps }, 'the server does not hold what was delivered to it')
    }
    this.#way.works()
  }

  /** Each by its own answer, all in one commit. */
  #settle(rows: StoredRegistration[], responses: Response[]): void {
    const { settlements, settled, failed } = sortAnswers(rows, responses, (row, response) =>
      this.#systems[row.system].classify(response, false),
    )
    if (settled.length === 0) this.#way.failed(failed)
    else this.#way.failedAmongOthers(failed)
    this.#outbox.settleAll(settlements)
    const delivered = settlements.filter(({ state }) => state === 'delivered').length
    if (delivered > 0) this.#way.lastSuccessAt = this.#clock.now()
    const dead = settled.length - delivered
    this.#log.info({ delivered, dead, failed: failed.length }, 'batch')
    if (settled.length > 0) this.#way.answered(settled)
    this.#nextReportMonoMs = Math.max(this.#lastReportMonoMs + reportSpacingMs, this.#clock.monoMs())
  }

  /** The request as a whole: no registration is to blame unless it was alone. */
  #failed(rows: StoredRegistration[], outcome: Exclude<Outcome, { kind: 'answered' }>): void {
    const { drain } = this.#batches
    if (outcome.kind === 'fall-back') {
      this.#onFallBack()
      return
    }
    const { verdict } = outcome
    if (verdict.kind === 'pause') {
      this.#way.pause(verdict.error)
      return
    }
    const { error, waitMs } = verdict
    const alone = rows.length === 1 && verdict.suspect ? rows : []
    for (const { id } of alone) this.#turns.suspect(id)
    const isAsked = error === 'rate-limited' || (error === 'server-unavailable' && waitMs !== undefined)
    const isReached = error === 'rate-limited' || error === 'rejected-too-large'
    this.#way.failedOnceMore()
    this.#way.become(isReached ? 'online' : 'offline', isReached ? null : error)
    if (isAsked) {
      drain.refused(waitMs ?? 0)
      // Alone it was no part of a drain: the kiosk itself has used its limit up.
      if (rows.length === 1) this.#way.hold.ask(drain.heldUntilMonoMs - this.#clock.monoMs())
      return
    }
    const backOffMs = drain.failed()
    if (error === 'rejected-too-large' || this.#turns.sendScout(alone)) return
    this.#way.hold.backOff(backOffMs)
  }
}
