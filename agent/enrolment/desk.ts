import { randomUUID } from 'node:crypto'
import type { Feedback, Tap } from '../../devices/reader.ts'
import type { CardUid } from '../../shared/card-uid.ts'
import type { Clock } from '../../shared/clock.ts'
import { AppError, type ErrorCode } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { StoredRegistration } from '../outbox/registration.ts'
import type { ClientData } from './client-data.ts'
import { refused, type Outcome, type Registrar } from './registrar.ts'

interface WaitingEnrolment {
  id: string
  client: ClientData
  consentText: string | null
  since: string
  sinceMonoMs: number
  /** Ends the wait for a tap; never rejects. */
  settle: (result: StoredRegistration | Outcome) => void
  /** A tap could not be taken, and the wait goes on. */
  remark: (why: ErrorCode) => void
  expiry: AbortController
}

/** So long a card that was just accepted is taken to be still in the same hand, in milliseconds. */
const sameHandMs = 20_000

export interface EnrolmentOptions {
  /** Hears why a tap was not taken while the enrolment goes on waiting. */
  onRemark?: (why: ErrorCode) => void
  /** Which consent text the client was shown; null where a clerk asked. */
  consentText?: string | null
}

/** An enrolment that waits for its tap. */
export interface Enrolment {
  id: string
  /** The stored registration once a card was tapped, or why there is none. */
  tapped: Promise<StoredRegistration | Outcome>
}

export interface CurrentEnrolment {
  /** As the document has it, an integer; decimal text where a JSON number could not hold it. */
  codigoClienteVLT: number | string
  /** ISO 8601. */
  since: string
}

/** What happened at the desk, for whoever shows it. */
export type DeskNotice =
  | { kind: 'waiting' }
  | { kind: 'accepted'; registration: StoredRegistration }
  | { kind: 'refused'; outcome: Outcome }
  | { kind: 'expired' }
  | { kind: 'cancelled' }
  | { kind: 'unclaimed'; uid: CardUid }
  /** A phone, or a card that makes up its number: never somebody's card. */
  | { kind: 'random' }

/**
 * Joins clients' data with taps. Waiting enrolments form a queue; a tap goes to the oldest. They live in memory
 * only: nothing was promised yet, and a tap after a restart must not meet a client who has left.
 *
 *   start -> waiting -> tap   -> accepted | refused (the disk said no)
 *                    -> tap of a random number -> waiting still, for the right card
 *                    -> time  -> expired
 *                    -> cancel
 *
 * Truncated and ambiguous numbers are taken as they are read: they are what this lobby's readers, as configured, say
 * of the card each time. What that is worth is in the log and in `status`, where the reader is set up, not here.
 *
 * Who has tapped and is not sure taps again: that card must not become the next client's, who was waiting already.
 */
export class EnrolmentDesk {
  readonly #registrar: Registrar
  readonly #clock: Clock
  readonly #log: Log
  readonly #notify: (notice: DeskNotice) => void
  readonly #waiting: WaitingEnrolment[] = []
  #lastAccepted: { uid: CardUid; atMonoMs: number } | undefined

  constructor(registrar: Registrar, clock: Clock, log: Log, notify: (notice: DeskNotice) => void) {
    this.#registrar = registrar
    this.#clock = clock
    this.#log = log
    this.#notify = notify
  }

  start(
    client: ClientData,
    timeoutMs: number,
    { onRemark = () => undefined, consentText = null }: EnrolmentOptions = {},
  ): Enrolment {
    const { promise, resolve } = Promise.withResolvers<StoredRegistration | Outcome>()
    const enrolment: WaitingEnrolment = {
      id: randomUUID(),
      client,
      consentText,
      since: this.#clock.now(),
      sinceMonoMs: this.#clock.monoMs(),
      settle: resolve,
      remark: onRemark,
      expiry: new AbortController(),
    }
    this.#waiting.push(enrolment)
    void this.#expire(enrolment, timeoutMs)
    this.#notify({ kind: 'waiting' })
    return { id: enrolment.id, tapped: promise }
  }

  /** The client is still there: the time for the tap begins anew. */
  keep(id: string, timeoutMs: number): void {
    const enrolment = this.#waiting.find((waiting) => waiting.id === id)
    if (enrolment === undefined) return
    enrolment.expiry.abort()
    enrolment.expiry = new AbortController()
    void this.#expire(enrolment, timeoutMs)
  }

  /** Drops one waiting enrolment, or all; answers how many. */
  cancel(id?: string): number {
    const dropped = this.#waiting.filter((enrolment) => id === undefined || enrolment.id === id)
    for (const enrolment of dropped) {
      this.#drop(enrolment, new AppError('enrolment-cancelled', 'the enrolment was cancelled before the tap'))
      this.#notify({ kind: 'cancelled' })
    }
    return dropped.length
  }

  /** The oldest waiting enrolment. */
  get current(): CurrentEnrolment | null {
    const [oldest] = this.#waiting
    if (oldest === undefined) return null
    const codigo = oldest.client.codigoClienteVLT
    const exact = Number.isSafeInteger(Number(codigo)) ? Number(codigo) : codigo
    return { codigoClienteVLT: exact, since: oldest.since }
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * Takes a tap, and answers what the reader shows of it. The oldest enrolment is answered only after the
   * registration is on the disk.
   */
  accept(tap: Tap): Feedback {
    const [enrolment] = this.#waiting
    if (tap.identity === 'random') {
      this.#log.info(
        { reader: tap.readerId, code: 'card-random' },
        'tap refused: its number identifies nobody',
      )
      this.#notify({ kind: 'random' })
      enrolment?.remark('card-random')
      return 'refused'
    }
    if (enrolment === undefined) {
      this.#log.info({ reader: tap.readerId }, 'tap without an enrolment')
      this.#notify({ kind: 'unclaimed', uid: tap.uid })
      return 'refused'
    }
    if (this.#isSecondTap(tap, enrolment)) {
      this.#log.info({ reader: tap.readerId }, 'the card that was just accepted was tapped again')
      return 'accepted'
    }
    this.#waiting.shift()
    enrolment.expiry.abort()
    try {
      const registration = this.#registrar.accept(
        enrolment.client,
        tap.uid,
        tap.readerId,
        enrolment.consentText,
      )
      const { readerId: reader, identity, proof } = tap
      this.#log.info({ registration: registration.id, reader, identity, proof }, 'accepted')
      this.#lastAccepted = { uid: tap.uid, atMonoMs: this.#clock.monoMs() }
      this.#notify({ kind: 'accepted', registration })
      enrolment.settle(registration)
      return 'accepted'
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      this.#log.error({ code: error.code, err: error }, 'tap refused')
      const outcome = refused(error)
      this.#notify({ kind: 'refused', outcome })
      enrolment.settle(outcome)
      return 'refused'
    }
  }

  #isSecondTap({ uid }: Tap, { sinceMonoMs }: WaitingEnrolment): boolean {
    const last = this.#lastAccepted
    if (last?.uid !== uid || this.#clock.monoMs() - last.atMonoMs >= sameHandMs) return false
    return sinceMonoMs <= last.atMonoMs
  }

  async #expire(enrolment: WaitingEnrolment, timeoutMs: number): Promise<void> {
    const { signal } = enrolment.expiry
    await this.#clock.sleep(timeoutMs, signal)
    if (signal.aborted) return
    this.#log.warn('no tap in time, enrolment dropped')
    this.#drop(enrolment, new AppError('enrolment-timeout', 'no card was tapped in time'))
    this.#notify({ kind: 'expired' })
  }

  #drop(enrolment: WaitingEnrolment, reason: AppError): void {
    enrolment.expiry.abort()
    this.#waiting.splice(this.#waiting.indexOf(enrolment), 1)
    enrolment.settle(refused(reason))
  }
}
