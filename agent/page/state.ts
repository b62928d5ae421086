import type { Clock } from '../../shared/clock.ts'
import type { DeskNotice } from '../enrolment/desk.ts'
import type { Outcome, Registrar } from '../enrolment/registrar.ts'

/** What the kiosk page shows. Never a name, a document or a card. */
export interface Screen {
  name: 'idle' | 'waiting' | 'unclaimed' | 'expired' | Outcome['state']
  /** Short code of the registration, by which staff find it. */
  code: string | null
}

/** How long an outcome stays on the screen, in milliseconds. */
const outcomeMs = 20_000

/** Turns what happens at the desk into screens; the newest event wins. */
export class PageState implements Disposable {
  readonly #registrar: Registrar
  readonly #clock: Clock
  readonly #listeners = new Set<() => void>()
  #screen: Screen = { name: 'idle', code: null }
  #stop = new AbortController()
  #waiting: () => number = () => 0

  constructor(registrar: Registrar, clock: Clock) {
    this.#registrar = registrar
    this.#clock = clock
  }

  get screen(): Screen {
    if (this.#screen.name !== 'idle') return this.#screen
    return { name: this.#waiting() > 0 ? 'waiting' : 'idle', code: null }
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
    this.#stop.abort()
  }

  changed(): void {
    for (const listener of this.#listeners) listener()
  }

  show(notice: DeskNotice): void {
    this.#stop.abort()
    const { signal } = (this.#stop = new AbortController())
    switch (notice.kind) {
      case 'accepted':
        void this.#follow(notice.registration.id, signal)
        return
      case 'refused':
        this.#outcome({ name: 'rejected', code: null }, signal)
        return
      case 'expired':
      case 'unclaimed':
        this.#outcome({ name: notice.kind, code: null }, signal)
        return
      case 'waiting':
      case 'cancelled':
        this.#set({ name: 'idle', code: null })
    }
  }

  /** Saved first, because that is already true; then the server's word, if it comes while the person stands there. */
  async #follow(id: string, signal: AbortSignal): Promise<void> {
    const code = id.slice(0, 6).toUpperCase()
    this.#outcome({ name: 'saved', code }, signal)
    const { state } = await this.#registrar.outcome(id, outcomeMs, signal)
    if (!signal.aborted && state !== 'saved') this.#outcome({ name: state, code }, signal)
  }

  #outcome(screen: Screen, signal: AbortSignal): void {
    this.#set(screen)
    void this.#clock.sleep(outcomeMs, signal).then(() => {
      if (!signal.aborted && this.#screen === screen) this.#set({ name: 'idle', code: null })
    })
  }

  #set(screen: Screen): void {
    this.#screen = screen
    this.changed()
  }
}
