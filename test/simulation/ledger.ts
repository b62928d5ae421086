import type { NewRegistration, StoredRegistration } from '../../agent/outbox/registration.ts'
import type { Wish } from './people.ts'

/** A registration that somebody was told is saved. */
export interface Accepted {
  /** Its name in the trace. */
  label: string
  id: string
  key: string
  registration: NewRegistration
  mayDie: boolean
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
  readonly #name: string
  /** Asked for as the kiosk died: it may have them or not, since nobody was told. */
  #unanswered: Wish[] = []

  constructor(name: string) {
    this.#name = name
  }

  accept({ registration, mayDie }: Wish, { id, idempotencyKey: key, seq }: StoredRegistration): Accepted {
    const label = `${this.#name}#${String(seq)} (${registration.system})`
    const accepted = { label, id, key, registration, mayDie }
    this.#accepted.set(id, accepted)
    return accepted
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
    return this.#accepted.values().find((one) => one.key === key)
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
