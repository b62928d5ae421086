import type { Clock } from '../../shared/clock.ts'
import { heartbeatMs } from './protocol.ts'

/** So many beats may be missed: a busy machine is no dead page. */
const missedBeats = 3

/** When the page in the browser last said that it lives. */
export class Heartbeat {
  readonly #clock: Clock
  #lastMonoMs: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  beat(): void {
    this.#lastMonoMs = this.#clock.monoMs()
  }

  /** null before the first beat. */
  get ageMs(): number | null {
    return this.#lastMonoMs === undefined ? null : Math.round(this.#clock.monoMs() - this.#lastMonoMs)
  }

  get isAlive(): boolean {
    return this.ageMs !== null && this.ageMs <= missedBeats * heartbeatMs
  }
}
