import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { DeskNotice } from '../enrolment/desk.ts'
import type { Outcome, Registrar } from '../enrolment/registrar.ts'

/** What the kiosk page shows. Never a name, a document or a card. */
export interface Screen {
  name: 'idle' | 'waiting' | 'unclaimed' | 'expired' | 'random' | Outcome['state']
  /** Short code of the registration, by which staff find it. */
  code: string | null
}

/** How long an outcome stays on the screen where nothing else wants it, in milliseconds. */
const outcomeMs = 20_000
/** How long it stays whatever else happens but another outcome: somebody is reading it. */
const readingMs = 5_000

interface Shown {
  screen: Screen
  isOutcome: boolean
  sinceMonoMs: number
}

/**
 * Turns what happens at the desk into screens.
 *
 *   an outcome (accepted, refused) shows at once, for 20 s
 *   a remark (unclaimed, expired) shows for 20 s, but never over anything that somebody is still reading
 *   "use the card, not the phone" shows at once, but never over an outcome that somebody is still reading
 *   underneath: "hold your card" while an enrolment waits, else the welcome
 *   after 5 s an outcome or remark makes room for an enrolment that waits
 */
export class PageState implements Disposable {
  readonly #registrar: Registrar
  readonly #clock: Clock
  readonly #listeners = new Set<() => void>()
  readonly #over = new AbortController()
  /** Ends the timers of what is shown no more. */
  #replaced = new AbortController()
  #shown: Shown | undefined
  #waiting: () => number = () => 0

  constructor(registrar: Registrar, clock: Clock) {
    this.#registrar = registrar
    this.#clock = clock
  }

  get screen(): Screen {
    const waits = this.#waiting() > 0
    if (this.#shown !== undefined && this.#ageMs() < (waits ? readingMs : outcomeMs))
      return this.#shown.screen
    return { name: waits ? 'waiting' : 'idle', code: null }
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

  show(notice: DeskNotice): void {
    switch (notice.kind) {
      case 'accepted':
        void this.#follow(notice.registration.id)
        return
      case 'refused':
        this.#set({ name: 'rejected', code: null }, true)
        return
      case 'expired':
      case 'unclaimed':
        if (!this.#isRead()) this.#set({ name: notice.kind, code: null }, false)
        return
      case 'random':
        if (!this.#isRead() || this.#shown?.isOutcome === false)
          this.#set({ name: 'random', code: null }, false)
        return
      case 'waiting':
      case 'cancelled':
        this.changed()
    }
  }

  /** Saved first, because that is already true; then the server's word, if it comes while the person stands there. */
  async #follow(id: string): Promise<void> {
    const code = id.slice(0, 6).toUpperCase()
    const saved: Screen = { name: 'saved', code }
    this.#set(saved, true)
    try {
      const { state } = await this.#registrar.outcome(id, outcomeMs, this.#over.signal)
      if (state !== 'saved' && this.#shown?.screen === saved) this.#set({ name: state, code }, true)
    } catch (error) {
      // The outbox cannot be read now: "saved" is still true, and all that is known.
      if (!(error instanceof AppError)) throw error
    }
  }

  /** Somebody is still reading what is shown. */
  #isRead(): boolean {
    return this.#shown !== undefined && this.#ageMs() < readingMs
  }

  #set(screen: Screen, isOutcome: boolean): void {
    this.#shown = { screen, isOutcome, sinceMonoMs: this.#clock.monoMs() }
    this.changed()
    this.#replaced.abort()
    const { signal } = (this.#replaced = new AbortController())
    for (const ms of [readingMs, outcomeMs]) {
      // A little later than the time that `screen` compares with: timers may come early.
      void this.#clock.sleep(ms + 20, signal).then(() => {
        if (!signal.aborted) this.changed()
      })
    }
  }

  #ageMs(): number {
    return this.#clock.monoMs() - (this.#shown?.sinceMonoMs ?? 0)
  }
}
