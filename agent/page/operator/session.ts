import { randomBytes } from 'node:crypto'
import type { Clock } from '../../../shared/clock.ts'
import { isSame } from '../guard.ts'

/** Longest time between two actions of an operator, in milliseconds; the page leaves much sooner. */
const lastsMs = 10 * 60_000

/** The one operator who is in: in memory alone, so that a restart shows nobody what an operator left open. */
export class OperatorSession {
  readonly #clock: Clock
  #open: { token: string; untilMonoMs: number } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Answers the new session's token; the one before is over. */
  enter(): string {
    const token = randomBytes(32).toString('base64url')
    this.#open = { token, untilMonoMs: this.#clock.monoMs() + lastsMs }
    return token
  }

  leave(): void {
    this.#open = undefined
  }

  isIn(token: string | undefined): boolean {
    if (this.#open === undefined || this.#clock.monoMs() >= this.#open.untilMonoMs) return false
    return isSame(token, this.#open.token)
  }

  /** An action begins the time anew. */
  renew(): void {
    if (this.#open !== undefined) this.#open.untilMonoMs = this.#clock.monoMs() + lastsMs
  }
}
