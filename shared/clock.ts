import { hrtime } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'

/** Wall time places events for people; monotonic time schedules and measures, whatever happens to the wall. */
export interface Clock {
  /** ISO 8601 UTC with milliseconds. */
  now(): string
  /** Milliseconds since an arbitrary start, the same for every process of one boot; never goes back. */
  monoMs(): number
  /** Resolves after `ms`, or at once when `signal` aborts: the caller looks at the signal. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date().toISOString(),
  monoMs: () => Number(hrtime.bigint()) / 1e6,
  async sleep(ms, signal) {
    await delay(ms, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  },
}
