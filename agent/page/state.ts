import type { Clock } from '../../shared/clock.ts'
import { outcomeMessages, registrationAnswer } from '../../shared/contracts/vlt-clients.ts'
import { AppError, type ErrorCode } from '../../shared/errors.ts'
import type { DeskNotice } from '../enrolment/desk.ts'
import { receiptCode } from '../outbox/receipt-code.ts'
import type { Outcome, Registrar } from '../enrolment/registrar.ts'
import { outcomeMs, type Screen, type ScreenName } from './protocol.ts'
import type { CardUid } from '../../shared/card-uid.ts'

/** How long it stays whatever else happens but another outcome: somebody is reading it. */
const readingMs = 5_000

const outcomes: ReadonlySet<ScreenName> = new Set<ScreenName>([
  'saved',
  'registered',
  'card-added',
  'already-yours',
  'card-taken',
  'duplicate',
  'rejected',
  'cannot-store',
])

/** Why the outbox takes nothing: no fault of the client's data. */
export const storageFaults: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'disk-full',
  'outbox-full',
  'storage-failed',
  'outbox-corrupt',
  'agent-stopping',
])

interface Shown {
  name: ScreenName
  code: string | null
  number: number
  sinceMonoMs: number
  secondCard: boolean
}

/** What the server says of a card; undefined where it cannot be asked now. */
export type CardLookup = (
  uid: CardUid,
) => Promise<'card-active' | 'card-inactive' | 'card-unknown' | undefined>

/**
 * Turns what happens at the desk into screens.
 *
 *   an outcome (accepted, refused) shows at once, for 20 s
 *   a remark (unclaimed, expired) shows for 20 s, but never over anything that somebody is still reading
 *   "not your phone", "two cards" and "not read well" show at once, but never over an outcome that is being read
 *   "reading" shows at once, until what it leads to
 *   another card right after the one that counts is said beside its outcome
 *   underneath: "hold your card" while an enrolment waits, else the welcome
 *   after 5 s an outcome or remark makes room for an enrolment that waits
 *   the person may end an outcome or remark
 */
export class PageState implements Disposable {
  readonly #registrar: Registrar
  readonly #clock: Clock
  readonly #lookUp: CardLookup
  readonly #listeners = new Set<() => void>()
  readonly #over = new AbortController()
  /** Ends the timers of what is shown no more. */
  #replaced = new AbortController()
  #shown: Shown | undefined
  #waiting: () => number = () => 0
  #count = 0

  constructor(registrar: Registrar, clock: Clock, lookUp: CardLookup = () => Promise.resolve(undefined)) {
    this.#registrar = registrar
    this.#clock = clock
    this.#lookUp = lookUp
  }

  get screen(): Screen {
    const waits = this.#waiting() > 0
    if (this.#shown !== undefined) {
      const { name, code, number, secondCard } = this.#shown
      const leftMs = Math.round((waits ? readingMs : outcomeMs) - this.#ageMs())
      if (leftMs > 0) return { name, code, number, leftMs, secondCard }
    }
    const name = waits ? 'waiting' : 'idle'
    return { name, code: null, number: this.#count, leftMs: null, secondCard: false }
  }

  /** Tells how many enrolments wait for their tap. */
  watchDesk(waiting: () => number): void {
    this.#waiting = waiting
  }

  /** Calls back after every change; answers how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Ends what the screen waits for: a stop must not last as long as an outcome is shown. */
  [Symbol.dispose](): void {
    this.#over.abort()
    this.#replaced.abort()
  }

  changed(): void {
    for (const listener of this.#listeners) listener()
  }

  /** The person has read it, or touched the screen for something else. */
  dismiss(): void {
    this.#shown = undefined
    this.#replaced.abort()
    this.changed()
  }

  /** The reader sent what is no card; beside one that it read well just now that says nothing. */
  unclear(): void {
    if (this.#shown?.name !== 'reading') this.#remark('unclear')
  }

  show(notice: DeskNotice): void {
    switch (notice.kind) {
      case 'accepted':
        void this.#follow(notice.registration.id)
        return
      case 'refused': {
        const code = notice.outcome.error?.code
        this.#set(code !== undefined && storageFaults.has(code) ? 'cannot-store' : 'rejected')
        return
      }
      case 'expired':
        if (!this.#isRead()) this.#set('expired')
        return
      case 'unclaimed':
        void this.#answerFor(notice.uid)
        return
      case 'reading':
        this.#set('reading')
        return
      case 'random':
      case 'two-cards':
        this.#remark(notice.kind)
        return
      case 'second-card':
        this.#secondCard(notice.uid)
        return
      case 'cancelled':
        if (this.#shown?.name === 'reading') this.#shown = undefined
        this.changed()
        return
      case 'waiting':
        this.changed()
    }
  }

  /** Saved first, because that is already true; then the server's word, if it comes while the person stands there. */
  async #follow(id: string): Promise<void> {
    const code = receiptCode(id)
    const saved = this.#set('saved', code)
    try {
      const outcome = await this.#registrar.outcome(id, outcomeMs, this.#over.signal)
      if (outcome.state !== 'saved' && this.#shown === saved)
        this.#set(this.#nameOf(id, outcome), code, saved.secondCard)
    } catch (error) {
      // The outbox cannot be read now: "saved" is still true, and all that is known.
      if (!(error instanceof AppError)) throw error
    }
  }

  #nameOf(id: string, { state, receipt }: Outcome): ScreenName {
    // "Not confirmed" is what the other systems say where an answer was lost: it is safe here, and no more is known.
    if (state === 'unconfirmed') return 'saved'
    if (state === 'registered') {
      const isAdded = registrationAnswer.safeParse(receipt).data?.mensaje === outcomeMessages['card-added']
      return isAdded ? 'card-added' : 'registered'
    }
    if (state !== 'duplicate') return state
    return { own: 'already-yours', other: 'card-taken', unknown: 'duplicate' }[
      this.#registrar.ownerOf(id)
    ] as ScreenName
  }

  /** Beside the outcome, where that is still there; else it is a card like any other. */
  #secondCard(uid: CardUid | undefined): void {
    if (this.#shown !== undefined && outcomes.has(this.#shown.name)) {
      this.#shown.secondCard = true
      this.changed()
    } else if (uid === undefined) this.#remark('two-cards')
    else void this.#answerFor(uid)
  }

  async #answerFor(uid: CardUid): Promise<void> {
    if (this.#isRead()) return
    const unclaimed = this.#set('unclaimed')
    const answer = await this.#lookUp(uid)
    if (answer !== undefined && this.#shown === unclaimed) this.#set(answer)
  }

  /** About a card that was not taken; never over an outcome that somebody is still reading. */
  #remark(name: ScreenName): void {
    if (!this.#isRead() || (this.#shown !== undefined && !outcomes.has(this.#shown.name))) this.#set(name)
  }

  /** Somebody is still reading what is shown. */
  #isRead(): boolean {
    return this.#shown !== undefined && this.#ageMs() < readingMs
  }

  #set(name: ScreenName, code: string | null = null, secondCard = false): Shown {
    this.#count += 1
    const shown: Shown = { name, code, number: this.#count, sinceMonoMs: this.#clock.monoMs(), secondCard }
    this.#shown = shown
    this.changed()
    this.#replaced.abort()
    this.#replaced = new AbortController()
    const { signal } = this.#replaced
    for (const ms of [readingMs, outcomeMs]) {
      // A little later than the time that `screen` compares with: timers may come early.
      void this.#clock.sleep(ms + 20, signal).then(() => {
        if (!signal.aborted) this.changed()
      })
    }
    return shown
  }

  #ageMs(): number {
    return this.#clock.monoMs() - (this.#shown?.sinceMonoMs ?? 0)
  }
}
