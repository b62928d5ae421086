/**
 * Makes one tap of one card lying on a reader, however often the reader repeats it. Every card has a presence of
 * its own, because two cards lying there are read in turn; and so a card that is swapped for another is a tap at once.
 *
 *   unknown --seen: tap--> there --left--> cooling down --cooldownMs--> unknown
 *                          there, cooling down --seen: no tap--> there
 *
 * A card has left when the reader says so, or when both hold: it was missed `missesToLeave` times in a row, and
 * not seen for `presenceGapMs`. Time alone would take the stall of a busy machine for a card that left; misses alone
 * the flicker of a reader that finds every other time nothing (miguelbalboa/rfid #437, esphome #9875).
 *
 * It outlives the sessions of its reader on purpose: a USB glitch while the card lies there is no second tap.
 * Pure: times are monotonic milliseconds, handed in.
 */
import type { CardUid } from '../shared/card-uid.ts'

export interface PresenceOptions {
  /** A card counts as lying there until this long after it was last seen, in milliseconds; 0: it leaves at once. */
  presenceGapMs: number
  /** The same card is no new tap until this long after it left, in milliseconds. */
  cooldownMs: number
}

/** What time and what happens do to one card. */
interface Sighting {
  lastMs: number
  /** In a row, since it was last seen. */
  misses: number
  /** When it has left or will have; undefined while that depends on misses. */
  leftMs: number | undefined
  /** The reader said that it left: that is final. */
  isRemoved: boolean
}

export const missesToLeave = 3

/** More cards than fit in front of a reader; only noise reaches it, and then the longest unseen is forgotten. */
const maxCards = 32

export class Presence {
  readonly #options: PresenceOptions
  /** Longest unseen first. */
  readonly #cards = new Map<CardUid, Sighting>()

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  /** The reader saw a card. Answers whether that is a new tap. It is a miss of every other card. */
  seen(uid: CardUid, nowMs: number): boolean {
    const { presenceGapMs } = this.#options
    const card = this.#cards.get(uid)
    this.#cards.delete(uid)
    this.missed(nowMs)
    this.#forget(nowMs)
    const leftMs = presenceGapMs === 0 ? nowMs : undefined
    this.#cards.set(uid, { lastMs: nowMs, misses: 0, leftMs, isRemoved: false })
    return card === undefined || this.#isOver(card, nowMs)
  }

  /** The reader was asked and saw no card; or, where it speaks by itself, was listened to and said nothing. */
  missed(nowMs: number): void {
    for (const card of this.#cards.values()) {
      card.misses += 1
      if (card.misses >= missesToLeave) card.leftMs ??= Math.max(nowMs, this.#gapEndMs(card))
    }
  }

  /** The reader says that the cards have left. */
  removed(nowMs: number): void {
    for (const card of this.#cards.values()) {
      // However long it lay there unseen: a reader that says when cards leave need not repeat them.
      if (!card.isRemoved) card.leftMs = nowMs
      card.isRemoved = true
    }
  }

  /** Nobody listens to the reader any more, so nothing can be missed: time alone decides about the cards there. */
  interrupted(): void {
    for (const card of this.#cards.values()) card.leftMs ??= this.#gapEndMs(card)
  }

  /** Misses decide about a card that may lie there. */
  get needsMisses(): boolean {
    return Array.from(this.#cards.values()).some(({ leftMs }) => leftMs === undefined)
  }

  /** For tests: how many cards are remembered. */
  get size(): number {
    return this.#cards.size
  }

  #gapEndMs({ lastMs }: Sighting): number {
    return lastMs + this.#options.presenceGapMs
  }

  #isOver({ leftMs = Infinity }: Sighting, nowMs: number): boolean {
    return nowMs >= leftMs + this.#options.cooldownMs
  }

  #forget(nowMs: number): void {
    for (const [uid, card] of this.#cards) {
      if (this.#isOver(card, nowMs) || this.#cards.size >= maxCards) this.#cards.delete(uid)
    }
  }
}
