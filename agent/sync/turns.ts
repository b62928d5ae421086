import { fullJitterMs, type BackOff } from '../../shared/back-off.ts'
import type { Clock } from '../../shared/clock.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { StoredRegistration, System } from '../outbox/registration.ts'

/** After failures of one row while others got through. */
const rowBackOff: BackOff = { baseMs: 1_000, capMs: 300_000 }
/** So long somebody who has tapped looks at the screen; then the registration goes in its turn. */
const liveMs = 20_000

/**
 * Whose turn it is.
 *
 * A failed row is a *suspect*. If another row gets through before the suspect is tried again, the failure was the
 * suspect's own: it rests under a back-off of its own and no longer holds anybody up. If none gets through, the way
 * is blamed and order stays as it was.
 */
export class Turns {
  readonly #outbox: Outbox
  readonly #clock: Clock
  readonly #suspects = new Set<string>()
  /** Row -> when its own back-off is over, monotonic. */
  readonly #resting = new Map<string, number>()
  /** Rows somebody may still stand waiting for -> until when, monotonic. */
  readonly #live = new Map<string, number>()
  /** Systems that took nothing from us last -> when they are asked again, monotonic, and why. */
  readonly #held = new Map<System, { untilMonoMs: number; reason: ErrorCode }>()

  constructor(outbox: Outbox, clock: Clock) {
    this.#outbox = outbox
    this.#clock = clock
  }

  get held(): { system: System; reason: ErrorCode }[] {
    return [...this.#held].map(([system, { reason }]) => ({ system, reason }))
  }

  get isAnybodyWaiting(): boolean {
    return this.#live.size > 0
  }

  /** Somebody waits for this row. */
  expedite(id: string): void {
    this.#live.set(id, this.#clock.monoMs() + liveMs)
  }

  /** Ends every rest of ours; not one that the server asked for. */
  tryAll(): void {
    this.#resting.clear()
    for (const [system, { reason }] of this.#held) if (reason !== 'rate-limited') this.#held.delete(system)
  }

  /**
   * The next rows, at most `limit`. Those somebody waits for go alone, so that no answer waits for a whole batch, and
   * alone may go while the backlog is held.
   */
  next(limit: number, isHeld: boolean): StoredRegistration[] {
    const now = this.#clock.monoMs()
    dropPast(this.#resting, now)
    dropPast(this.#live, now)
    const rows = this.#among(limit, [...this.#resting.keys(), ...this.#suspects], isHeld)
    if (rows.length > 0 || this.#suspects.size === 0) return rows
    // Every row has failed since the last success: a new round.
    this.#suspects.clear()
    return this.#among(limit, [...this.#resting.keys()], isHeld)
  }

  suspect(id: string): void {
    this.#suspects.add(id)
  }

  /** The server dealt with these rows: the way is clear, so the suspects were at fault themselves. */
  settled(rows: StoredRegistration[]): void {
    for (const { id, system } of rows) {
      this.#suspects.delete(id)
      this.#live.delete(id)
      this.#held.delete(system)
    }
    for (const id of this.#suspects) {
      const failures = this.#outbox.blame(id)
      this.#resting.set(id, this.#clock.monoMs() + fullJitterMs(rowBackOff, failures))
    }
    this.#suspects.clear()
  }

  /** Nothing of this system for so long; answers whether the reason is news. */
  hold(system: System, reason: ErrorCode, ms: number): boolean {
    const isNews = this.#held.get(system)?.reason !== reason
    this.#held.set(system, { untilMonoMs: this.#clock.monoMs() + ms, reason })
    return isNews
  }

  /** When the next rest is over, monotonic; infinity for none. */
  get wakeAtMonoMs(): number {
    const now = this.#clock.monoMs()
    const times = [...this.#resting.values(), ...[...this.#held.values()].map((held) => held.untilMonoMs)]
    return Math.min(...times.filter((time) => time > now))
  }

  #among(limit: number, resting: string[], isHeld: boolean): StoredRegistration[] {
    const now = this.#clock.monoMs()
    const held = [...this.#held].filter(([, { untilMonoMs }]) => untilMonoMs > now).map(([system]) => system)
    const next = (count: number): StoredRegistration[] =>
      this.#outbox.nextBatch(count, resting, this.#live.keys(), held)
    if (this.#live.size > 0) {
      const live = next(Math.min(this.#live.size, limit)).filter(({ id }) => this.#live.has(id))
      if (live.length > 0) return live
    }
    return isHeld ? [] : next(limit)
  }
}

function dropPast(untilMonoMs: Map<string, number>, now: number): void {
  for (const [id, until] of untilMonoMs) if (until <= now) untilMonoMs.delete(id)
}
