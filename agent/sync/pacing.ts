import type { Clock } from '../../shared/clock.ts'
import { retryAfterMs } from './classify.ts'

/** The documented window: so many requests per minute, counted from the first. */
const windowMs = 60_000

/**
 * Keeps within the server's rate limit by its X-RateLimit-Remaining header, so that a backlog drains without
 * running into refusals. The documented server names the end of its window only in a refusal; until then the window is taken
 * to begin with the first answer seen in it, which is never too early.
 */
export class Pacing {
  readonly #clock: Clock
  #remaining = Number.POSITIVE_INFINITY
  #windowStartMonoMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Reads an answer's headers; answers how long to send nothing, in milliseconds, 0 for go on. */
  observe(headers: Record<string, string | undefined>): number {
    const header = headers['x-ratelimit-remaining']
    if (header === undefined || !/^\d+$/.test(header)) return 0
    const remaining = Number(header)
    const now = this.#clock.monoMs()
    // More left than before: a new window.
    if (remaining >= this.#remaining || this.#remaining === Number.POSITIVE_INFINITY)
      this.#windowStartMonoMs = now
    this.#remaining = remaining
    if (remaining > 0) return 0
    // 'Now' from a server that lets nothing through is no end of a window.
    const askedMs = retryAfterMs(headers) ?? 0
    return askedMs > 0 ? askedMs : Math.max(0, this.#windowStartMonoMs + windowMs - now)
  }
}
