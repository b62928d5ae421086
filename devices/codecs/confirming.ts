import type { CardFrame } from '../card-frame.ts'
import type { Rejection } from '../rejection.ts'
import type { Codec, Decoded } from './codec.ts'

export interface ConfirmingOptions {
  /** A frame counts once it has come twice in less than this, in milliseconds. */
  withinMs: number
  /** Then each further one counts, until it has not come for this long, in milliseconds. */
  keptMs: number
}

interface Heard {
  frame: CardFrame
  lastMs: number
  isConfirmed: boolean
}

/** More frames than a line at 9600 baud carries in half a second. */
const maxHeard = 64

/**
 * For readers that make up frames with a right checksum, and repeat real ones while the card lies there: lets
 * through what comes twice, with `repeated` as its proof, and rejects what does not as `frame-unrepeated`
 * (reference: readers.md 1b; esprfid/esp-rfid #411, arendst/Tasmota #9522).
 *
 *   unknown --frame--> heard once --the same, withinMs--> confirmed --not heard for keptMs--> unknown
 *                                 --withinMs pass: rejected--> unknown
 *
 * Every frame has a course of its own, so a ghost changes nothing about the card that lies there.
 */
export class ConfirmingCodec implements Codec {
  readonly #inner: Codec
  readonly #withinMs: number
  readonly #keptMs: number
  /** By payload, longest unheard first. */
  readonly #heard = new Map<string, Heard>()

  constructor(inner: Codec, { withinMs, keptMs }: ConfirmingOptions) {
    this.#inner = inner
    this.#withinMs = withinMs
    this.#keptMs = Math.max(keptMs, withinMs)
  }

  get dueMs(): number | undefined {
    const due = Array.from(this.#heard.values(), (heard) => this.#untilMs(heard))
    if (this.#inner.dueMs !== undefined) due.push(this.#inner.dueMs)
    return due.length === 0 ? undefined : Math.min(...due)
  }

  push(bytes: Uint8Array, nowMs: number): Decoded[] {
    return [...this.idle(nowMs), ...this.#confirm(this.#inner.push(bytes, nowMs), nowMs)]
  }

  idle(nowMs: number): Decoded[] {
    const over = this.#forget((heard) => nowMs >= this.#untilMs(heard))
    return [...over, ...this.#confirm(this.#inner.idle(nowMs), nowMs)]
  }

  reset(): Decoded[] {
    // Forgotten at once: it matters no more when that was.
    const decoded = this.#confirm(this.#inner.reset(), 0)
    return [...decoded, ...this.#forget(() => true)]
  }

  #confirm(decoded: Decoded[], nowMs: number): Decoded[] {
    return decoded.flatMap((outcome) => ('frame' in outcome ? this.#hear(outcome.frame, nowMs) : [outcome]))
  }

  #hear(frame: CardFrame, nowMs: number): Decoded[] {
    const isConfirmed = this.#heard.delete(frame.payload)
    const tooMany = this.#heard.size < maxHeard ? [] : this.#forgetOldest()
    this.#heard.set(frame.payload, { frame, lastMs: nowMs, isConfirmed })
    return isConfirmed ? [...tooMany, { frame: { ...frame, proof: 'repeated' } }] : tooMany
  }

  #untilMs({ lastMs, isConfirmed }: Heard): number {
    return lastMs + (isConfirmed ? this.#keptMs : this.#withinMs)
  }

  #forgetOldest(): Decoded[] {
    const [oldest] = this.#heard.values()
    return this.#forget((heard) => heard === oldest)
  }

  #forget(isOver: (heard: Heard) => boolean): Decoded[] {
    const over = Array.from(this.#heard).filter(([, heard]) => isOver(heard))
    for (const [payload] of over) this.#heard.delete(payload)
    return over.flatMap(([, heard]) => (heard.isConfirmed ? [] : [{ rejected: unrepeated(heard.frame) }]))
  }
}

function unrepeated({ payload, form }: CardFrame): Rejection {
  return { code: 'frame-unrepeated', bytes: form === 'text' ? payload.length : payload.length / 2 }
}
