import type { NewRegistration, StoredRegistration } from '../../agent/outbox/registration.ts'
import type { Wish } from './people.ts'

/** A registration that somebody was told is saved. */
export interface Accepted {
  /** Its name in the trace. */
  label: string
  id: string
  key: string
  registration: NewRegistration
  /** What it may say by now: a person may have corrected it, or died over it. */
  bodies: string[]
  mayDie: boolean
  /** The disk was damaged there, and the outbox has said so. */
  isLost: boolean
  /** Settled for so long that its tombstone may be gone: what it was last. */
  forgettableAs: 'delivered' | 'discarded' | undefined
}

/** An invariant is broken. */
export class Broken extends Error {
  readonly invariant: string

  constructor(invariant: string, message: string) {
    super(message)
    this.invariant = invariant
  }
}

/** What the people at one kiosk were told, to be held against what its outbox and the server hold. */
export class Ledger {
  readonly #accepted = new Map<string, Accepted>()
  readonly #byKey = new Map<string, Accepted>()
  readonly #name: string
  /** Dead letters, by id, that may have been revived since: whoever was on the way then went before. */
  readonly wereDead = new Set<string>()
  /** The outbox has said that it lost something. */
  hasLost = false
  /** Asked for as the kiosk died: it may have them or not, since nobody was told. */
  #unanswered: Wish[] = []
  readonly #settledAt = new Map<string, number>()

  constructor(name: string) {
    this.#name = name
  }

  accept({ registration, mayDie }: Wish, { id, idempotencyKey: key, seq }: StoredRegistration): Accepted {
    const label = `${this.#name}#${String(seq)} (${registration.system})`
    const accepted = {
      ...{ label, id, key, registration, mayDie },
      bodies: [registration.body],
      isLost: false,
      forgettableAs: undefined,
    }
    this.#accepted.set(id, accepted)
    this.#byKey.set(key, accepted)
    return accepted
  }

  /** A person corrects it: from now on it says this, or still what it said where the machine dies over it. */
  correcting(id: string, body: string): void {
    this.#accepted.get(id)?.bodies.push(body)
  }

  /** The person was told that it is corrected. */
  corrected(id: string): void {
    const accepted = this.#accepted.get(id)
    if (accepted === undefined) return
    accepted.bodies.splice(0, accepted.bodies.length - 1)
    accepted.mayDie = false
  }

  /** What is settled, and since when, in milliseconds since the world began. */
  noteSettled(rows: readonly StoredRegistration[], nowMs: number): void {
    for (const { id, state } of rows) {
      if (state === 'dead') this.wereDead.add(id)
      if (state !== 'delivered' && state !== 'discarded') this.#settledAt.delete(id)
      else if (!this.#settledAt.has(id)) this.#settledAt.set(id, nowMs)
    }
  }

  /** What was settled by then may be forgotten now. */
  mayForget(rows: readonly StoredRegistration[], beforeMs: number): void {
    for (const { id, state } of rows) {
      const accepted = this.#accepted.get(id)
      if (accepted === undefined || (state !== 'delivered' && state !== 'discarded')) continue
      if ((this.#settledAt.get(id) ?? Infinity) <= beforeMs) accepted.forgettableAs = state
    }
  }

  /** After damage: what is gone is lost, if the outbox says that it lost as many. */
  salvaged(rows: readonly StoredRegistration[], lost: number): void {
    const there = new Set(rows.map(({ id }) => id))
    const gone = [...this.all].filter((one) => !there.has(one.id) && !one.isLost)
    const mustBe = gone.filter(({ forgettableAs }) => forgettableAs === undefined)
    if (mustBe.length > lost) {
      throw new Broken('lost', `${String(mustBe.length)} are gone, and ${String(lost)} are told as lost`)
    }
    for (const one of mustBe) one.isLost = true
    this.hasLost ||= lost > 0
  }

  nobodyWasTold(wish: Wish): void {
    this.#unanswered.push(wish)
  }

  get all(): Iterable<Accepted> {
    return this.#accepted.values()
  }

  get size(): number {
    return this.#accepted.size
  }

  find(id: string): Accepted | undefined {
    return this.#accepted.get(id)
  }

  labelOf(id: string): string {
    return this.#accepted.get(id)?.label ?? 'a stranger'
  }

  byKey(key: string): Accepted | undefined {
    return this.#byKey.get(key)
  }

  /** After a crash: what the outbox has beyond what was told must be what nobody was told of. */
  reopened(rows: readonly StoredRegistration[]): void {
    for (const row of rows) {
      if (this.#accepted.has(row.id)) continue
      const wish = this.#unanswered.find(({ registration }) => registration.body === row.body)
      if (wish === undefined) throw new Broken('stranger', 'the outbox holds what nobody asked for')
      this.accept(wish, row)
      this.#unanswered = this.#unanswered.filter((other) => other !== wish)
    }
    this.#unanswered = []
  }
}
