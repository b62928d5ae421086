import type { CardUid } from '../../../shared/card-uid.ts'

/** Words of one slot: 80 bits of a UID and its length, and the line it stood in; 0 for none. */
const slotWords = 4
const firstSlots = 1_024

/**
 * In which line each card of a list stood, in 20 to 40 bytes a card: a list may be long, and the machine small. An open
 * hash table, at most three quarters full.
 */
export class SeenCards {
  #words = new Uint32Array(firstSlots * slotWords)
  #count = 0

  lineOf(uid: CardUid): number | undefined {
    const line = this.#words[this.#slotOf(keyOf(uid)) + 3]
    return line === 0 ? undefined : line
  }

  /** @param line from 1 */
  add(uid: CardUid, line: number): void {
    this.#put(keyOf(uid), line)
    this.#count += 1
    if (this.#count * slotWords > 0.75 * this.#words.length) this.#grow()
  }

  #put(key: Key, line: number): void {
    this.#words.set([...key, line], this.#slotOf(key))
  }

  #grow(): void {
    const before = this.#words
    this.#words = new Uint32Array(before.length * 2)
    for (let at = 0; at < before.length; at += slotWords) {
      const [a = 0, b = 0, c = 0, line = 0] = before.subarray(at, at + slotWords)
      if (line !== 0) this.#put([a, b, c], line)
    }
  }

  /** Where the card is, or would be. */
  #slotOf([a, b, c]: Key): number {
    const words = this.#words
    const slots = words.length / slotWords
    let hash = Math.imul(Math.imul(Math.imul(a, 0x9e3779b1) ^ b, 0x85ebca6b) ^ c, 0xc2b2ae35)
    hash ^= hash >>> 15
    for (let slot = hash & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
      const at = slot * slotWords
      if (words[at + 3] === 0 || (words[at] === a && words[at + 1] === b && words[at + 2] === c)) return at
    }
  }
}

type Key = [number, number, number]

/** All of a UID: it has 4 to 10 bytes. */
function keyOf(uid: CardUid): Key {
  const word = (from: number): number => Number.parseInt(uid.slice(from, from + 8).padEnd(8, '0'), 16)
  return [word(0), word(8), word(16) + uid.length]
}
