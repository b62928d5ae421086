import type { Clock } from '../shared/clock.ts'
import { missesToLeave, type Presence } from './presence.ts'

/** No silence is listened for in shorter pieces, in milliseconds. */
const minSilenceMs = 10

/**
 * The misses of a reader that nobody asks are its silences. They are listened to, not computed from the time of
 * the next frame: while this process stood still nobody listened, and what the reader said meanwhile still waits.
 */
export class Silence {
  readonly #presence: Presence
  readonly #clock: Clock
  readonly #silenceMs: number
  #isListening = false

  constructor(presence: Presence, clock: Clock, presenceGapMs: number) {
    this.#presence = presence
    this.#clock = clock
    this.#silenceMs = Math.max(minSilenceMs, presenceGapMs / missesToLeave)
  }

  /** Listens until every card has left or `over` aborts; one listener is enough, a second returns at once. */
  async listen(over: AbortSignal): Promise<void> {
    if (this.#isListening) return
    this.#isListening = true
    while (this.#presence.needsMisses) {
      await this.#clock.sleep(this.#silenceMs, over)
      if (over.aborted) break
      this.#presence.missed(this.#clock.monoMs())
    }
    this.#isListening = false
  }
}
