import { fullJitterMs, type BackOff } from '../../shared/back-off.ts'
import type { Clock } from '../../shared/clock.ts'

/** After failures on the way to the server. */
export const wayBackOff: BackOff = { baseMs: 1_000, capMs: 300_000 }
/** So many failures in a row open the breaker: what is tried then is one registration. */
const opensAfter = 5
const largestBatch = 200
/** Smaller ones would cost a server that is busy more than they spare it. */
const smallestInDrain = 10
/** A batch that takes longer makes somebody who taps meanwhile wait. */
const quickMs = 500
const slowMs = 1_000

/**
 * How a backlog is drained without harm to the server or to those who tap meanwhile.
 *
 *   taken, quickly    1, 2, 4 … 200 in a batch
 *   taken, slowly     half as many, but ten, after a random part of the time it took
 *   refused for now   half as many, but ten, after once to twice the time asked for and a random one that grows
 *   failed            half as many after a random time that grows; the fifth in a row opens the breaker: one
 */
export class Drain {
  readonly #clock: Clock
  readonly #random: () => number
  #size = 1
  #failures = 0
  #refusals = 0
  /** Monotonic: until then nothing of the backlog is sent. What somebody waits for may be. */
  heldUntilMonoMs = 0

  constructor(clock: Clock, random: () => number = Math.random) {
    this.#clock = clock
    this.#random = random
  }

  /** Most registrations for the next batch. */
  get size(): number {
    return this.#size
  }

  get isHeld(): boolean {
    return this.heldUntilMonoMs > this.#clock.monoMs()
  }

  taken(tookMs: number): void {
    this.#failures = 0
    this.#refusals = 0
    if (tookMs > slowMs) {
      this.#halve(smallestInDrain)
      this.#holdFor(tookMs * this.#random())
    } else if (tookMs <= quickMs) this.#size = Math.min(largestBatch, this.#size * 2)
  }

  /** The server is there and asks to wait; all that were told the same time must not come back at once. */
  refused(askedMs: number): void {
    this.#failures = 0
    this.#refusals += 1
    this.#halve(smallestInDrain)
    this.#holdFor(askedMs * (1 + this.#random()) + fullJitterMs(wayBackOff, this.#refusals, this.#random))
  }

  /** No answer, or none that helps. Answers how long to send nothing at all, in milliseconds. */
  failed(): number {
    this.#failures += 1
    if (this.#failures >= opensAfter) this.#size = 1
    else this.#halve(1)
    return fullJitterMs(wayBackOff, this.#failures, this.#random)
  }

  /** What somebody waited for may have gone meanwhile: that ends no wait that was asked for. */
  #holdFor(ms: number): void {
    this.heldUntilMonoMs = Math.max(this.heldUntilMonoMs, this.#clock.monoMs() + ms)
  }

  /** Not below `least`; what is smaller already stays. */
  #halve(least: number): void {
    this.#size = Math.max(Math.min(this.#size, least), Math.floor(this.#size / 2))
  }
}
