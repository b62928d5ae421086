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
  settleMs: number
  timeoutMs: number
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
/** A card that comes so soon after the one that was accepted at a kiosk was in the same hand, in milliseconds. */
const secondCardMs = 1_500
const never = new AbortController().signal

export interface EnrolmentOptions {
  /** Hears why a tap was not taken while the enrolment goes on waiting. */
  onRemark?: (why: ErrorCode) => void
  /** Which consent text the client was shown; null where a clerk asked. */
  consentText?: string | null
  /**
   * How long after its tap another card may show that there were two, in milliseconds. 0: the first card counts at
   * once, for a clerk who presents one card after the other.
   */
  settleMs?: number
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
  /** A card was seen; nothing is stored yet. */
  | { kind: 'reading' }
  /** Two cards at once: nothing was stored, and the enrolment waits on. */
  | { kind: 'two-cards' }
  /** Another card right after the one that was accepted; without its UID where the reader says only that there are two. */
  | { kind: 'second-card'; uid?: CardUid }
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
 *   of an enrolment with `settleMs`
 *            waiting -> tap   -> reading -> settleMs -> accepted | refused
 *                                        -> another card -> waiting anew, for one card alone
 *                                        -> cancel
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
  /** The tap that is looked at for a moment before it counts. */
  #reading: { enrolment: WaitingEnrolment; tap: Tap; show: (what: Feedback) => void } | undefined
  #lastAccepted: { uid: CardUid; atMonoMs: number; isKiosk: boolean } | undefined

  constructor(registrar: Registrar, clock: Clock, log: Log, notify: (notice: DeskNotice) => void) {
    this.#registrar = registrar
    this.#clock = clock
    this.#log = log
    this.#notify = notify
  }

  start(
    client: ClientData,
    timeoutMs: number,
    { onRemark = () => undefined, consentText = null, settleMs = 0 }: EnrolmentOptions = {},
  ): Enrolment {
    const { promise, resolve } = Promise.withResolvers<StoredRegistration | Outcome>()
    const enrolment: WaitingEnrolment = {
      id: randomUUID(),
      client,
      consentText,
      settleMs,
      timeoutMs,
      since: this.#clock.now(),
      sinceMonoMs: this.#clock.monoMs(),
      settle: resolve,
      remark: onRemark,
      expiry: new AbortController(),
    }
    this.#waiting.push(enrolment)
    void this.#expire(enrolment)
    this.#notify({ kind: 'waiting' })
    return { id: enrolment.id, tapped: promise }
  }

  /** The client is still there: the time for the tap begins anew. */
  keep(id: string): void {
    const enrolment = this.#waiting.find((waiting) => waiting.id === id)
    if (enrolment !== undefined) void this.#expire(enrolment)
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
   * Takes a tap, and answers what the reader shows of it; undefined where `show` is told a moment later. The oldest
   * enrolment is answered only after the registration is on the disk.
   */
  accept(tap: Tap, show: (what: Feedback) => void = () => undefined): Feedback | undefined {
    const [enrolment] = this.#waiting
    if (this.#reading !== undefined) {
      if (tap.uid === this.#reading.tap.uid) return undefined
      this.twoCards(tap.readerId)
      return 'refused'
    }
    if (tap.identity === 'random') {
      this.#log.info(
        { reader: tap.readerId, code: 'card-random' },
        'tap refused: its number identifies nobody',
      )
      this.#notify({ kind: 'random' })
      enrolment?.remark('card-random')
      return 'refused'
    }
    if (this.#isSecondCard(tap, enrolment)) {
      this.#log.info({ reader: tap.readerId }, 'another card right after the one that was accepted')
      this.#notify({ kind: 'second-card', uid: tap.uid })
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
    if (enrolment.settleMs === 0) return this.#take(enrolment, tap)
    void this.#read(enrolment, tap, show)
    return undefined
  }

  /** More than one card lies on a reader: the reader says so, or two taps did. */
  twoCards(readerId: string): void {
    this.#log.info({ reader: readerId }, 'two cards at once')
    if (this.#reading !== undefined) {
      void this.#expire(this.#reading.enrolment)
      this.#giveUpReading()
    }
    this.#notify({ kind: this.#hasJustAccepted() ? 'second-card' : 'two-cards' })
  }

  /** Looks on for a moment whether another card is there, then takes the tap. */
  async #read(enrolment: WaitingEnrolment, tap: Tap, show: (what: Feedback) => void): Promise<void> {
    const reading = { enrolment, tap, show }
    this.#reading = reading
    // It came in time, whatever the look takes.
    enrolment.expiry.abort()
    this.#notify({ kind: 'reading' })
    await this.#clock.sleep(enrolment.settleMs, never)
    if (this.#reading !== reading) return
    this.#reading = undefined
    try {
      show(this.#take(enrolment, tap))
    } catch (err) {
      // Nobody waits for us: a bug here must not end the agent.
      this.#log.error({ err }, 'a tap could not be taken')
      show('refused')
    }
  }

  #giveUpReading(): void {
    this.#reading?.show('refused')
    this.#reading = undefined
  }

  #take(enrolment: WaitingEnrolment, tap: Tap): Feedback {
    const { client, consentText, settleMs } = enrolment
    const { uid, readerId, identity, proof } = tap
    this.#waiting.shift()
    enrolment.expiry.abort()
    try {
      const registration = this.#registrar.accept(client, uid, readerId, consentText)
      this.#log.info({ registration: registration.id, reader: readerId, identity, proof }, 'accepted')
      this.#lastAccepted = { uid, atMonoMs: this.#clock.monoMs(), isKiosk: settleMs > 0 }
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

  #hasJustAccepted(): boolean {
    const last = this.#lastAccepted
    return last?.isKiosk === true && this.#clock.monoMs() - last.atMonoMs < secondCardMs
  }

  /** It must be neither looked up nor the card of the next client, who was waiting already. */
  #isSecondCard({ uid }: Tap, enrolment: WaitingEnrolment | undefined): boolean {
    const last = this.#lastAccepted
    if (last === undefined || uid === last.uid || !this.#hasJustAccepted()) return false
    return enrolment === undefined || enrolment.sinceMonoMs <= last.atMonoMs
  }

  #isSecondTap({ uid }: Tap, { sinceMonoMs }: WaitingEnrolment): boolean {
    const last = this.#lastAccepted
    if (last?.uid !== uid || this.#clock.monoMs() - last.atMonoMs >= sameHandMs) return false
    return sinceMonoMs <= last.atMonoMs
  }

  /** The time for the tap begins, or begins anew. */
  async #expire(enrolment: WaitingEnrolment): Promise<void> {
    enrolment.expiry.abort()
    enrolment.expiry = new AbortController()
    const { signal } = enrolment.expiry
    await this.#clock.sleep(enrolment.timeoutMs, signal)
    if (signal.aborted) return
    this.#log.warn('no tap in time, enrolment dropped')
    this.#drop(enrolment, new AppError('enrolment-timeout', 'no card was tapped in time'))
    this.#notify({ kind: 'expired' })
  }

  #drop(enrolment: WaitingEnrolment, reason: AppError): void {
    enrolment.expiry.abort()
    if (this.#reading?.enrolment === enrolment) this.#giveUpReading()
    this.#waiting.splice(this.#waiting.indexOf(enrolment), 1)
    enrolment.settle(refused(reason))
  }
}
