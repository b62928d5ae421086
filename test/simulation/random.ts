/** A stream of numbers that its seed decides: sfc32 (PractRand's small fast counter), keyed by a hash of the text. */
export class Random {
  readonly #state: Uint32Array
  readonly #seed: string

  constructor(seed: string) {
    this.#seed = seed
    this.#state = Uint32Array.from([1, 2, 3, 4], (salt) => fnv1a(`${String(salt)} ${seed}`))
    for (let round = 0; round < 12; round++) this.uint32()
  }

  /** A stream of its own: what one draws does not shift the draws of another. */
  fork(name: string): Random {
    return new Random(`${this.#seed} ${name}`)
  }

  uint32(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#state
    const sum = (a + b + d) >>> 0
    this.#state.set([b ^ (b >>> 9), c + (c << 3), ((c << 21) | (c >>> 11)) + sum, d + 1])
    return sum
  }

  /** [0, 1) */
  fraction(): number {
    return this.uint32() / 2 ** 32
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit)
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }

  /** One of the names, as often as its weight says. */
  weighted<Name extends string>(weights: Record<Name, number>): Name {
    const entries = Object.entries(weights) as [Name, number][]
    let left = this.fraction() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [name, weight] of entries) {
      left -= weight
      if (left < 0) return name
    }
    throw new Error('no weight')
  }

  fill(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at++) bytes[at] = this.uint32() & 0xff
  }
}

function fnv1a(text: string): number {
  let hash = 0x81_1c_9d_c5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01_00_01_93)
  return hash >>> 0
}
