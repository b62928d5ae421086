import type { Clock } from '../../shared/clock.ts'

/** A sleep that can be cut short: what a loop waits on between two pieces of work. */
export class Alarm {
  readonly #clock: Clock
  #controller: AbortController | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves after `ms`, at `ring()`, or when `signal` aborts. One sleeper at a time. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    const controller = new AbortController()
    const cut = (): void => {
      controller.abort()
    }
    if (signal.aborted) return
    this.#controller = controller
    signal.addEventListener('abort', cut, { once: true })
    try {
      await this.#clock.sleep(ms, controller.signal)
    } finally {
      signal.removeEventListener('abort', cut)
      this.#controller = undefined
    }
  }

  /** Wakes the sleeper, if there is one. */
  ring(): void {
    this.#controller?.abort()
  }
}
