import type { Clock } from '../../shared/clock.ts'
import type { Timeline } from './timeline.ts'

const birthMs = Date.parse('2026-03-01T12:00:00.000Z')
const tenYearsMs = 10 * 365 * 24 * 60 * 60 * 1000

/** One machine's clock: its wall may be set anywhere while programs run, its monotonic time is the world's. */
export class MachineClock implements Clock {
  readonly #timeline: Timeline
  #setMs = 0

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  /** Milliseconds since 1970, as the wall has it. */
  get wallMs(): number {
    return birthMs + this.#setMs + this.#timeline.nowMs
  }

  now(): string {
    return new Date(this.wallMs).toISOString()
  }

  monoMs(): number {
    return this.#timeline.nowMs
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve()
        return
      }
      const wake = (): void => {
        cancel()
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const cancel = this.#timeline.after(ms, wake)
      signal.addEventListener('abort', wake)
    })
  }

  /** Sets the wall ten years forward, ten years back, or right again. */
  set(to: 'future' | 'past' | 'right'): void {
    this.#setMs = to === 'right' ? 0 : to === 'future' ? tenYearsMs : -tenYearsMs
  }
}
