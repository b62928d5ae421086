import { fullJitterMs, type BackOff } from '../../shared/back-off.ts'
import type { Clock } from '../../shared/clock.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { StoredRegistration, System } from '../outbox/registration.ts'
import { classifyProbe, type Response, type Verdict } from './classify.ts'
import { wayBackOff } from './drain.ts'
import { Hold } from './hold.ts'
import type { ServerStatus } from './server-status.ts'
import type { Turns } from './turns.ts'

/** While a person has to mend something; the hint says what. */
export const pauseBackOff: BackOff = { baseMs: 30_000, capMs: 300_000 }
/** An idle agent asks whether the server is there, so that `status` tells the truth. */
const probeEveryMs = 30_000
/** Least distance between two probes. */
const leastProbeMs = 1_000

/** What is to be sent again. */
export interface Failure {
  row: StoredRegistration
  verdict: Verdict & { kind: 'retry' | 'pause' }
}

/**
 * The way to the server: how it went of late, what is told of it, and how long nothing is sent. Deliveries, reports and
 * probes tell it what they met.
 */
export class Way {
  readonly hold: Hold
  /** ISO 8601; the last time the server confirmed a registration. */
  lastSuccessAt: string | null = null
  nextProbeMonoMs = 0
  readonly #turns: Turns
  readonly #clock: Clock
  readonly #log: Log
  readonly #onState: () => void
  readonly #onSettled: (id: string) => void
  #state: ServerStatus['state']
  #reason: ErrorCode | null
  #failuresInARow = 0

  constructor(parts: {
    turns: Turns
    clock: Clock
    log: Log
    hasServer: boolean
    onSettled: (id: string) => void
    onState: () => void
  }) {
    this.hold = new Hold(parts.clock)
    this.#turns = parts.turns
    this.#clock = parts.clock
    this.#log = parts.log
    this.#onSettled = parts.onSettled
    this.#onState = parts.onState
    this.#state = parts.hasServer ? 'offline' : 'paused'
    this.#reason = parts.hasServer ? null : 'server-not-configured'
  }

  get state(): Pick<ServerStatus, 'state' | 'reason' | 'lastSuccessAt'> {
    return { state: this.#state, reason: this.#reason, lastSuccessAt: this.lastSuccessAt }
  }

  become(state: ServerStatus['state'], reason: ErrorCode | null): void {
    if (this.#state === state && this.#reason === reason) return
    this.#state = state
    this.#reason = reason
    if (state === 'online') this.#log.info('server online')
    else this.#log.warn({ state, code: reason }, 'server not reachable as it should be')
    this.#onState()
  }

  /** The server is there and does what it is asked. */
  works(): void {
    this.#failuresInARow = 0
    this.nextProbeMonoMs = this.#clock.monoMs() + probeEveryMs
    this.become('online', null)
  }

  /** It has dealt with these rows. */
  answered(rows: StoredRegistration[]): void {
    this.works()
    this.#turns.settled(rows)
    for (const { id } of rows) this.#onSettled(id)
  }

  /** It takes none of these, while others got through in the same request. */
  failedAmongOthers(failures: Failure[]): void {
    for (const { row, verdict } of failures) {
      if (isSuspect(verdict)) this.#turns.suspect(row.id)
      if (verdict.kind === 'retry' && verdict.waitMs !== undefined)
        this.#turns.keepAway(row.id, verdict.waitMs)
    }
  }

  /** None of these got through, in one request. */
  failed(failures: Failure[]): void {
    const [first] = failures
    if (first === undefined) return
    const suspects = failures.filter(({ verdict }) => isSuspect(verdict)).map(({ row }) => row)
    for (const { id } of suspects) this.#turns.suspect(id)
    const asked = failures.flatMap(({ verdict }) => (verdict.kind === 'retry' ? (verdict.waitMs ?? []) : []))
    const jitterMs = this.failedOnceMore()
    const { row, verdict } = first
    const reached = verdict.error === 'rate-limited' || verdict.error === 'request-in-progress'
    // What was this row's own fault before is most likely so again: no reason to stop all the others.
    const isPause = verdict.kind === 'pause' && row.failures === 0
    this.become(isPause ? 'paused' : reached ? 'online' : 'offline', reached ? null : verdict.error)
    // Kiosks that were all told the same second still spread out; a server that says "now" is still not hurried.
    if (asked.length > 0) this.hold.ask(Math.max(Math.max(...asked) + Math.min(jitterMs, 1_000), jitterMs))
    else if (this.#turns.sendScout(suspects)) return
    if (isPause) this.#pauseHold()
    else if (asked.length === 0) this.hold.backOff(jitterMs)
  }

  /** Nothing can be delivered until a person has mended something. */
  pause(error: ErrorCode): void {
    this.#failuresInARow += 1
    this.become('paused', error)
    this.#pauseHold()
  }

  /** The server is there and does its work; this system of it does not, for us. */
  refusedAlone({ row, verdict }: Failure): void {
    this.become('online', null)
    const backOff = verdict.kind === 'pause' ? pauseBackOff : wayBackOff
    const ownMs = backOff.baseMs + fullJitterMs(backOff, row.attempts + 1)
    const askedMs = verdict.kind === 'retry' ? (verdict.waitMs ?? 0) : 0
    this.holdSystem(row.system, verdict.error, Math.max(askedMs, ownMs))
  }

  holdSystem(system: System, reason: ErrorCode, ms: number): void {
    const isNews = this.#turns.hold(system, reason, ms)
    if (isNews && reason !== 'rate-limited')
      this.#log.warn({ system, code: reason }, 'a system takes nothing from us')
    this.#onState()
  }

  /** The outbox takes no write: what the server said holds all the same, and is asked for again. */
  cannotWrite(): void {
    this.#turns.recallScout()
    const backOffMs = this.failedOnceMore()
    if (this.hold.leftMs < backOffMs) this.hold.backOff(backOffMs)
  }

  /** Answers how long to back off, in milliseconds. */
  failedOnceMore(): number {
    this.#failuresInARow += 1
    return fullJitterMs(wayBackOff, this.#failuresInARow)
  }

  probed(response: Response): void {
    const failure = classifyProbe(response)
    if (failure === undefined) {
      this.works()
      return
    }
    this.become(failure.state, failure.error)
    this.nextProbeMonoMs = this.#clock.monoMs() + Math.max(this.failedOnceMore(), leastProbeMs)
  }

  #pauseHold(): void {
    this.hold.pause(pauseBackOff.baseMs + fullJitterMs(pauseBackOff, this.#failuresInARow))
  }
}

function isSuspect(verdict: Failure['verdict']): boolean {
  return verdict.kind === 'pause' || verdict.suspect
}
