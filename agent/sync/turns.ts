import { fullJitterMs, type BackOff } from '../../shared/back-off.ts'
import type { Clock } from '../../shared/clock.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { StoredRegistration, System } from '../outbox/registration.ts'

/** After failures of one row while others got through. */
const rowBackOff: BackOff = { baseMs: 1_000, capMs: 300_000 }
/** So long somebody who has tapped looks at the screen; then the registration goes in its turn. */
const liveMs = 20_000
/** So often a row has failed, with nothing getting through in between, before scouts go past it. */
const failuresUntilScout = 9
/** So many go one right after the other. */
const mostScouts = 5

/** Until when a row rests, monotonic: by our own back-off, and because the server asked for it. */
interface Rest {
  own: number
  asked: number
}

/**
 * Whose turn it is.
 *
 * A failed row is a *suspect*. If another row gets through before the suspect is tried again, the failure was the
 * suspect's own: it rests under a back-off of its own and no longer holds anybody up. If none gets through, the way
 * is blamed and order stays as it was.
 *
 * Where all others have to wait for a suspect, none could get through. Once it has failed often enough the first of them
 * goes right after it has failed once more, as a *scout*: if that gets through, the suspect is blamed as by any other row.
 * A server that fails every registration fails the scout too.
 */
export class Turns {
  readonly #outbox: Outbox
  readonly #clock: Clock
  readonly #suspects = new Set<string>()
  /** How often rows have failed since something got through. */
  readonly #failedInARow = new Map<string, number>()
  /** Suspects that failed just now, in so many requests without a wait in between, and the row to go next. */
  #passed: string[] = []
  #scouts = 0
  #scout: StoredRegistration | undefined
  readonly #resting = new Map<string, Rest>()
  /** Rows somebody may still stand waiting for -> until when, monotonic. */
  readonly #live = new Map<string, number>()
  /** Systems that took nothing from us last -> when they are asked again, monotonic, and why. */
  readonly #held = new Map<System, { untilMonoMs: number; reason: ErrorCode }>()
  #lookedMonoMs = 0

  constructor(outbox: Outbox, clock: Clock) {
    this.#outbox = outbox
    this.#clock = clock
  }

  get held(): { system: System; reason: ErrorCode }[] {
    return [...this.#held].map(([system, { reason }]) => ({ system, reason }))
  }

  /** Whether what comes next has to come at once. */
  get isHurried(): boolean {
    const now = this.#clock.monoMs()
    return this.#scout !== undefined || [...this.#live.values()].some((untilMonoMs) => untilMonoMs > now)
  }

  /** Somebody waits for this row. */
  expedite(id: string): void {
    this.#live.set(id, this.#clock.monoMs() + liveMs)
  }

  /** Ends every rest of ours; not one that the server asked for. */
  tryAll(): void {
    for (const rest of this.#resting.values()) rest.own = 0
    for (const [system, { reason }] of this.#held) if (reason !== 'rate-limited') this.#held.delete(system)
  }

  /**
   * The next rows, at most `limit`. Those somebody waits for go without the others, so that no answer waits for a whole
   * batch, and one at a time may go while the backlog is held.
   */
  next(limit: number, isHeld: boolean): StoredRegistration[] {
    const scout = this.#scout
    this.#scout = undefined
    if (scout !== undefined && !isHeld) return [scout]
    this.recallScout()
    const now = this.#clock.monoMs()
    this.#lookedMonoMs = now
    for (const [id, { own, asked }] of this.#resting) {
      if (Math.max(own, asked) <= now) this.#resting.delete(id)
    }
    for (const [id, untilMonoMs] of this.#live) if (untilMonoMs <= now) this.#live.delete(id)
    const rows = this.#among(limit, [...this.#resting.keys(), ...this.#suspects], isHeld)
    if (rows.length > 0 || this.#suspects.size === 0 || isHeld) return rows
    // Every row has failed since the last success: a new round.
    this.#suspects.clear()
    return this.#among(limit, [...this.#resting.keys()], isHeld)
  }

  suspect(id: string): void {
    this.#suspects.add(id)
    this.#failedInARow.set(id, (this.#failedInARow.get(id) ?? 0) + 1)
  }

  /**
   * Whether a scout goes past these suspects, which have failed just now: then it is next, and has to go at once. After a
   * wait the suspects might get through as well, and the order would be broken for nothing.
   */
  sendScout(failed: readonly StoredRegistration[]): boolean {
    // Where the way itself has failed, nobody can show anything.
    if (failed.length === 0) return false
    const isScouting = this.#passed.length > 0
    const often = this.#failedOften()
    const ids = failed.map(({ id }) => id)
    this.#passed.push(...(isScouting ? ids : ids.filter((id) => often.includes(id))))
    if (this.#passed.length === 0 || this.#scouts === mostScouts) return false
    this.#scouts += 1
    this.#scout = this.#behind(this.#passed) ?? this.#another(often)
    return this.#scout !== undefined
  }

  /** Time passes before anything is sent. */
  recallScout(): void {
    this.#scout = undefined
    this.#scouts = 0
    this.#passed = []
  }

  /** The server dealt with these rows: the way is clear, so the suspects were at fault themselves. */
  settled(rows: StoredRegistration[]): void {
    const now = this.#clock.monoMs()
    this.#failedInARow.clear()
    for (const { id, system } of rows) {
      this.#suspects.delete(id)
      this.#live.delete(id)
      // Its answer may have asked for another wait.
      if ((this.#held.get(system)?.untilMonoMs ?? 0) <= now) this.#held.delete(system)
    }
    for (const id of this.#suspects) {
      this.#restOf(id).own = now + fullJitterMs(rowBackOff, this.#outbox.blame(id))
    }
    this.#suspects.clear()
  }

  /** The server asked this row to stay away for so long. */
  keepAway(id: string, ms: number): void {
    this.#restOf(id).asked = this.#clock.monoMs() + ms
  }

  /** Nothing of this system for so long; answers whether the reason is news. */
  hold(system: System, reason: ErrorCode, ms: number): boolean {
    const isNews = this.#held.get(system)?.reason !== reason
    this.#held.set(system, { untilMonoMs: this.#clock.monoMs() + ms, reason })
    return isNews
  }

  /** When the next rest is over that `next` has met, monotonic; it may be over by now. Infinity for none. */
  get wakeAtMonoMs(): number {
    const rests = [...this.#resting.values()].map(({ own, asked }) => Math.max(own, asked))
    const times = [...rests, ...[...this.#held.values()].map(({ untilMonoMs }) => untilMonoMs)]
    return Math.min(...times.filter((time) => time > this.#lookedMonoMs))
  }

  /** Whoever waits for several suspects goes once all of them have failed just now. */
  #another(often: readonly string[]): StoredRegistration | undefined {
    const others = often.filter((id) => !this.#passed.includes(id))
    if (others.length === 0 || this.#behind([...this.#passed, ...others]) === undefined) return undefined
    const held = this.#heldSystems()
    return others
      .filter((id) => (this.#resting.get(id)?.asked ?? 0) <= this.#clock.monoMs())
      .map((id) => this.#outbox.get(id))
      .find(({ state, system }) => state === 'pending' && !held.includes(system))
  }

  #failedOften(): string[] {
    const often = [...this.#failedInARow].filter(([, failures]) => failures >= failuresUntilScout)
    return often.map(([id]) => id)
  }

  #behind(passed: readonly string[]): StoredRegistration | undefined {
    return this.#outbox.behind(passed, [...this.#resting.keys(), ...this.#suspects], this.#heldSystems())
  }

  #restOf(id: string): Rest {
    const rest = this.#resting.get(id) ?? { own: 0, asked: 0 }
    this.#resting.set(id, rest)
    return rest
  }

  #among(limit: number, resting: string[], isHeld: boolean): StoredRegistration[] {
    const held = this.#heldSystems()
    const next = (count: number): StoredRegistration[] =>
      this.#outbox.nextBatch(count, resting, this.#live.keys(), held)
    if (this.#live.size > 0) {
      const most = isHeld ? 1 : Math.min(this.#live.size, limit)
      const live = next(most).filter(({ id }) => this.#live.has(id))
      if (live.length > 0) return live
    }
    return isHeld ? [] : next(limit)
  }

  #heldSystems(): System[] {
    const now = this.#clock.monoMs()
    return [...this.#held].filter(([, { untilMonoMs }]) => untilMonoMs > now).map(([system]) => system)
  }
}
