import type { Clock } from '../../shared/clock.ts'

/**
 * What is let in at once after a quiet while, as a time at the budget's pace, and how long a batch may be kept waiting here,
 * in milliseconds. With the second itself no more than two seconds' worth come in one.
 */
const burstMs = 500
const patienceMs = 500
/** Longest wait that is asked for. */
const maxWaitMs = 600_000

/**
 * How many registrations a second the backlogs of all kiosks together may bring to this instance, so that a fleet
 * that comes back after an outage does not push everything else aside.
 *
 * A batch that would only wait a moment waits here. Others are told to come back one after the other, as fast as the
 * budget takes them: told the same second, all of them would meet again.
 */
export class DrainBudget {
  readonly #clock: Clock
  readonly #msPerItem: number
  /** When what was let in is worked off at this pace, and what was sent away as well, monotonic. */
  #freeAt = Number.NEGATIVE_INFINITY
  #promisedAt = Number.NEGATIVE_INFINITY

  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock
    this.#msPerItem = 1_000 / perSecond
  }

  /** How long the batch is to be kept waiting, or to stay away, in milliseconds. One registration alone never waits. */
  admit(items: number): { delayMs: number } | { awayMs: number } {
    const now = this.#clock.monoMs()
    const cost = items * this.#msPerItem
    this.#freeAt = Math.max(this.#freeAt, now - burstMs)
    const delayMs = items === 1 ? 0 : Math.max(0, this.#freeAt - now)
    if (delayMs <= patienceMs) {
      this.#freeAt += cost
      return { delayMs }
    }
    this.#promisedAt = Math.min(Math.max(this.#promisedAt, this.#freeAt) + cost, now + maxWaitMs)
    return { awayMs: this.#promisedAt - now }
  }
}
