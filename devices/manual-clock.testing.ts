import type { Clock } from '../shared/clock.ts'

interface Sleeper {
  atMs: number
  wake: () => void
}

/** A clock that a test moves by hand, so that an hour of back-off takes no time and the same course every time. */
export class ManualClock implements Clock {
  #monoMs = 0
  readonly #sleepers = new Set<Sleeper>()

  now(): string {
    return new Date(Date.UTC(2025, 0, 1) + this.#monoMs).toISOString()
  }

  monoMs(): number {
    return this.#monoMs
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const sleeper: Sleeper = {
        atMs: this.#monoMs + ms,
        wake: () => {
          this.#sleepers.delete(sleeper)
          signal.removeEventListener('abort', sleeper.wake)
          resolve()
        },
      }
      this.#sleepers.add(sleeper)
      signal.addEventListener('abort', sleeper.wake)
    })
  }

  /** Lets `ms` pass, waking every sleeper at its time, and everything that follows from it run. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#monoMs + ms
    await settled()
    while (true) {
      const next = this.#next()
      if (next === undefined || next.atMs > untilMs) break
      this.#monoMs = Math.max(this.#monoMs, next.atMs)
      next.wake()
      await settled()
    }
    this.#monoMs = untilMs
    await settled()
  }

  /** The process stands still for `ms`: time goes on, nothing runs. */
  stall(ms: number): void {
    this.#monoMs += ms
  }

  #next(): Sleeper | undefined {
    return [...this.#sleepers].sort((a, b) => a.atMs - b.atMs)[0]
  }
}

/** Everything that waits for no time has run. */
async function settled(): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
  }
}
