import type { Clock } from '../../shared/clock.ts'

/**
 * How many registrations a second the backlogs of all kiosks together may bring to this instance, so that a fleet
 * that comes back after an outage does not push everything else aside.
 */
export class DrainBudget {
  readonly #clock: Clock
  readonly #perSecond: number
  #left: number
  #countedMonoMs: number

  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#left = perSecond
    this.#countedMonoMs = clock.monoMs()
  }

  /**
   * Takes so many, or answers how many milliseconds there are to wait, 0 for go on. One alone always passes: somebody
   * may be waiting for it.
   */
  take(items: number): number {
    const now = this.#clock.monoMs()
    const earned = ((now - this.#countedMonoMs) / 1000) * this.#perSecond
    this.#left = Math.min(this.#perSecond, this.#left + earned)
    this.#countedMonoMs = now
    // A batch larger than a second's worth goes once the second is full, and the next one waits for longer.
    const needed = Math.min(items, this.#perSecond)
    if (items > 1 && this.#left < needed) return ((needed - this.#left) / this.#perSecond) * 1000
    this.#left -= items
    return 0
  }
}
