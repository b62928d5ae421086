import type { Clock } from '../../shared/clock.ts'

/**
 * Until when nothing at all is sent. What the server asked for and what we wait of our own are kept apart: a person who
 * wants it tried now, or somebody who waits, may cut short ours alone.
 */
export class Hold {
  readonly #clock: Clock
  #askedUntilMonoMs = 0
  #ownUntilMonoMs = 0
  #isBackOff = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** 0 for go on. */
  get leftMs(): number {
    return Math.max(0, Math.max(this.#askedUntilMonoMs, this.#ownUntilMonoMs) - this.#clock.monoMs())
  }

  /** The server asked for it: the longest counts. */
  ask(ms: number): void {
    this.#askedUntilMonoMs = Math.max(this.#askedUntilMonoMs, this.#clock.monoMs() + ms)
  }

  /** After failures: in place of what we waited before. */
  backOff(ms: number): void {
    this.#ownUntilMonoMs = this.#clock.monoMs() + ms
    this.#isBackOff = true
  }

  /** While a person has to mend something: nobody who waits shortens it. */
  pause(ms: number): void {
    this.backOff(ms)
    this.#isBackOff = false
  }

  /** Somebody waits: no back-off beyond this time, monotonic. */
  hurry(untilMonoMs: number): void {
    if (this.#isBackOff) this.#ownUntilMonoMs = Math.min(this.#ownUntilMonoMs, untilMonoMs)
  }

  /** Ends our own wait. */
  lift(): void {
    this.#ownUntilMonoMs = 0
  }
}
