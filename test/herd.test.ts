import { expect, test } from 'vitest'
import { Drain } from '../agent/sync/drain.ts'
import { DrainBudget } from '../server/kiosks/drain-budget.ts'
import type { Clock } from '../shared/clock.ts'

const kiosks = 1_000
const outageMs = 8 * 60 * 60 * 1_000
/** One tap a minute for eight hours. */
const backlog = 480
/** Of the server, in registrations a second. */
const budget = 1_500
/** What one request costs the server, in milliseconds, and what each registration in it adds. */
const costMs = { request: 2, item: 0.3 }
/** Requests a second that the server is meant to answer, refusals among them. */
const requestBudget = 200

/** Repeatable: each seed is another morning after. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Seen {
  /** By second since the server is back. */
  itemsBySecond: Map<number, number>
  requestsBySecond: Map<number, number>
  refused: number
  drainedAfterMs: number
  /** From a tap to its answer. */
  liveMs: number[]
}

/**
 * The agents' real Drain against the server's real DrainBudget in virtual time. Each kiosk keeps Sync's rules: one request
 * at a time; somebody who taps goes first and alone, at least a second after the attempt before.
 */
function morningAfter(seed: number): Seen {
  const random = randomOf(seed)
  let now = 0
  const clock: Clock = {
    now: () => new Date(now).toISOString(),
    monoMs: () => now,
    sleep: () => Promise.resolve(),
  }
  const server = new DrainBudget(budget, clock)
  const seen: Seen = {
    itemsBySecond: new Map(),
    requestsBySecond: new Map(),
    refused: 0,
    drainedAfterMs: 0,
    liveMs: [],
  }
  const events: { at: number; run: () => void }[] = []
  // A binary heap would be faster and longer; a sorted insertion is enough for what a thousand kiosks do.
  const schedule = (at: number, run: () => void): void => {
    let low = 0
    let high = events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((events[middle]?.at ?? 0) > at) low = middle + 1
      else high = middle
    }
    events.splice(low, 0, { at, run })
  }
  /** Work that the server has taken on, in milliseconds of its time. */
  let busyUntil = 0

  for (let number = 0; number < kiosks; number++) {
    const drain = new Drain(clock, random)
    let pending = backlog
    let live: number[] = []
    let isBusy = false
    let lastAttempt = Number.NEGATIVE_INFINITY
    let holdUntil = 0

    const wake = (): void => {
      if (isBusy || (pending === 0 && live.length === 0)) return
      if (holdUntil > now) {
        schedule(holdUntil, wake)
        return
      }
      if (live.length === 0 && drain.isHeld) {
        schedule(drain.heldUntilMonoMs, wake)
        return
      }
      const isLive = live.length > 0
      const count = Math.min(isLive ? live.length : pending, drain.size)
      isBusy = true
      lastAttempt = now
      const second = Math.floor((now - outageMs) / 1_000)
      if (now < outageMs) {
        // Nobody there: refused at once.
        isBusy = false
        holdUntil = now + drain.failed()
        schedule(holdUntil, wake)
        return
      }
      seen.requestsBySecond.set(second, (seen.requestsBySecond.get(second) ?? 0) + 1)
      seen.itemsBySecond.set(second, (seen.itemsBySecond.get(second) ?? 0) + count)
      const admitted = server.admit(count)
      if ('awayMs' in admitted) {
        seen.refused += 1
        isBusy = false
        drain.refused(Math.ceil(admitted.awayMs / 1_000) * 1_000)
        schedule(now + 1, wake)
        return
      }
      busyUntil = Math.max(busyUntil, now + admitted.delayMs) + costMs.request + costMs.item * count
      const sentAt = now
      schedule(busyUntil, () => {
        isBusy = false
        drain.taken(now - sentAt)
        if (isLive) {
          for (const tappedAt of live.splice(0, count)) seen.liveMs.push(now - tappedAt)
        } else pending -= count
        if (pending === 0) seen.drainedAfterMs = Math.max(seen.drainedAfterMs, now - outageMs)
        wake()
      })
    }
    // All lost the server within a second, hours ago.
    schedule(random() * 1_000, wake)
    // One in ten has somebody at its reader in each of the first ten minutes.
    for (let minute = 0; minute < 10; minute++) {
      if (random() > 0.1) continue
      const tappedAt = outageMs + minute * 60_000 + random() * 60_000
      schedule(tappedAt, () => {
        live = [...live, tappedAt]
        holdUntil = Math.min(holdUntil, lastAttempt + 1_000)
        wake()
      })
    }
  }
  for (let event = events.pop(); event !== undefined; event = events.pop()) {
    now = event.at
    event.run()
  }
  return seen
}

test('a thousand kiosks with eight hours of backlog never bring the server more than twice its budget', () => {
  for (const seed of [1, 2, 3]) {
    const { itemsBySecond, requestsBySecond, refused, drainedAfterMs, liveMs } = morningAfter(seed)
    const items = Math.max(...itemsBySecond.values())
    const requests = Math.max(...requestsBySecond.values())
    const sorted = liveMs.toSorted((a, b) => a - b)
    const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN
    console.log(
      `seed ${String(seed)}: at most ${String(items)} registrations and ${String(requests)} requests in a second, ` +
        `${String(refused)} refused, drained in ${(drainedAfterMs / 1_000).toFixed(0)} s, ` +
        `${String(sorted.length)} live taps p99 ${p99.toFixed(0)} ms`,
    )
    const total = [...itemsBySecond.values()].reduce((sum, count) => sum + count, 0)
    expect(total).toBeGreaterThanOrEqual(kiosks * backlog)
    expect(items).toBeLessThanOrEqual(2 * budget)
    expect(requests).toBeLessThanOrEqual(2 * requestBudget)
    expect(p99).toBeLessThanOrEqual(2_000)
  }
})
