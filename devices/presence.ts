import type { CardUid } from '../shared/card-uid.ts'

export interface PresenceOptions {
  /** A card counts as lying there until this long after it was last seen, in milliseconds. */
  presenceGapMs: number
  /** The same card is no new tap until this long after it left, in milliseconds. */
  cooldownMs: number
}

/** More cards than fit in front of a reader; only noise reaches it, and then the longest unseen is forgotten. */
const maxCards = 32

/**
 * Makes one tap of one card lying on a reader, however often the reader repeats it. Every card has its own
 * presence, because two cards lying there are read in turn.
 *
 * It outlives the sessions of its reader on purpose: a USB glitch while the card lies there is no second tap.
 * Pure: times are monotonic milliseconds, handed in.
 */
export class Presence {
  readonly #options: PresenceOptions
  /** When each card stops being the same presence, longest unseen first. */
  readonly #sameUntilMs = new Map<CardUid, number>()

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  /** The reader saw a card. Answers whether that is a new tap. */
  seen(uid: CardUid, nowMs: number): boolean {
    const isNew = nowMs >= (this.#sameUntilMs.get(uid) ?? -Infinity)
    this.#sameUntilMs.delete(uid)
    this.#forget(nowMs)
    this.#sameUntilMs.set(uid, nowMs + this.#options.presenceGapMs + this.#options.cooldownMs)
    return isNew
  }

  /** The reader says that the cards have left. */
  removed(nowMs: number): void {
    const untilMs = nowMs + this.#options.cooldownMs
    for (const [uid, sameUntilMs] of this.#sameUntilMs) {
      this.#sameUntilMs.set(uid, Math.min(sameUntilMs, untilMs))
    }
  }

  /** For tests: how many cards are remembered. */
  get size(): number {
    return this.#sameUntilMs.size
  }

  #forget(nowMs: number): void {
    for (const [uid, sameUntilMs] of this.#sameUntilMs) {
      if (sameUntilMs <= nowMs || this.#sameUntilMs.size >= maxCards) this.#sameUntilMs.delete(uid)
    }
  }
}
