import type { ApiUserFailureRow } from '../../../database/rows/digital-registry.ts'

// A typing error or two cost nothing; after that every wrong password doubles the wait.
const freeFailures = 2
const firstDelayMs = 1_000
const maxDelayMs = 15 * 60_000
const forgetAfterMs = 24 * 60 * 60_000

type Failures = Omit<ApiUserFailureRow, 'key'>

/** How long the next try has to wait, in milliseconds. */
export function waitMs(known: Failures | undefined, now: string): number {
  if (known === undefined) return 0
  const wait = Date.parse(known.next_try_at) - Date.parse(now)
  // A wall clock that was set back must not lock anybody out.
  return wait > maxDelayMs ? 0 : Math.max(0, wait)
}

/** What is known after one more failure. */
export function afterFailure(known: Failures | undefined, now: string): Failures {
  const failures = (known === undefined || known.forget_at <= now ? 0 : known.failures) + 1
  const doublings = failures - freeFailures - 1
  const delayMs = doublings < 0 ? 0 : Math.min(maxDelayMs, firstDelayMs * 2 ** doublings)
  return { failures, next_try_at: later(now, delayMs), forget_at: later(now, forgetAfterMs) }
}

function later(at: string, ms: number): string {
  return new Date(Date.parse(at) + ms).toISOString()
}
