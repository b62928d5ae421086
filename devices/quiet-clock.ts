import type { Clock } from '../shared/clock.ts'

/**
 * Measures silence on a line. It stands still while this process does: after a stall (a slow fsync, a busy
 * machine) bytes wait in the kernel that came in time, and plain time would call the line silent and cut their
 * frame in two. So one look at the clock counts for `stepMs` at most; whoever waits for silence looks often.
 */
export class QuietClock {
  readonly stepMs = 10
  readonly #clock: Clock
  #seenMs: number
  #nowMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#seenMs = clock.monoMs()
  }

  /** Milliseconds that count; starts at 0. */
  nowMs(): number {
    const monoMs = this.#clock.monoMs()
    this.#nowMs += Math.min(monoMs - this.#seenMs, 2 * this.stepMs)
    this.#seenMs = monoMs
    return this.#nowMs
  }

  /** One step of waiting; at once when aborted. */
  async step(signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(this.stepMs, signal)
  }
}
