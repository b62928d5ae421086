/**
 * Codec for readers that send binary or framed bytes: hunts for frames in a stream that also holds noise.
 *
 * It asks a grammar what starts at the first byte it holds, and goes on one byte when that is nothing. So a false
 * start costs no frame that begins inside it, and neither does a frame whose checksum is wrong: a lost byte makes
 * the next frame's start look like the end of this one.
 *
 * What is no frame is reported once for each run of it: when a frame follows, or silence, or noiseReportBytes.
 */
import type { Rejection, RejectionCode } from '../rejection.ts'
import type { Codec, Decoded } from './codec.ts'

export type Match<Frame> =
  /** No frame starts with the first of these bytes. */
  | 'none'
  /** They may be the start of a frame. */
  | 'more'
  /** The first `length` of them are a frame, or are framed but wrong. */
  | { length: number; frame: Frame }
  | { length: number; code: RejectionCode }

/** Which bytes are a frame. Pure: the same bytes get the same answer. */
export interface Grammar<Frame> {
  /** Longest frame. `match` is never given more, and a false start never holds up more. */
  maxBytes: number
  /** A byte that means nothing between frames, and is no noise there. */
  padding?: number
  /** Given at least one byte. */
  match(bytes: Uint8Array): Match<Frame>
}

/** About a second of noise at 9600 baud. */
const noiseReportBytes = 1_024

export class HuntingCodec<Frame> implements Codec<Frame> {
  readonly #grammar: Grammar<Frame>
  readonly #idleResetMs: number
  readonly #held: Uint8Array
  #length = 0
  /** How many of the bytes held are in a rejection already. */
  #reported = 0
  /** Bytes thrown away that are in no rejection yet. */
  #noise = 0
  #lastByteMs = 0

  /** `idleResetMs`: a frame that stops for so long is given up. */
  constructor(grammar: Grammar<Frame>, idleResetMs: number) {
    this.#grammar = grammar
    this.#idleResetMs = idleResetMs
    this.#held = new Uint8Array(grammar.maxBytes)
  }

  get dueMs(): number | undefined {
    return this.#length === 0 && this.#noise === 0 ? undefined : this.#lastByteMs + this.#idleResetMs
  }

  push(bytes: Uint8Array, nowMs: number): Decoded<Frame>[] {
    const decoded = this.idle(nowMs)
    for (const byte of bytes) {
      this.#held[this.#length] = byte
      this.#length += 1
      this.#hunt(decoded, false)
    }
    this.#lastByteMs = nowMs
    return decoded
  }

  idle(nowMs: number): Decoded<Frame>[] {
    return this.dueMs !== undefined && nowMs >= this.dueMs ? this.reset() : []
  }

  /** Nothing more will come: a false start is given up, and what was held back behind it is looked at. */
  reset(): Decoded<Frame>[] {
    const decoded: Decoded<Frame>[] = []
    this.#report(decoded, 'frame-garbled')
    this.#hunt(decoded, true)
    this.#report(decoded, 'frame-incomplete')
    return decoded
  }

  #hunt(decoded: Decoded<Frame>[], isOver: boolean): void {
    while (this.#length > 0) {
      const match = this.#grammar.match(this.#held.subarray(0, this.#length))
      if (match === 'more' && !isOver && this.#length < this.#grammar.maxBytes) return
      if (match === 'none' || match === 'more') {
        this.#skip(decoded)
        continue
      }
      this.#report(decoded, 'frame-garbled')
      if ('frame' in match) {
        this.#drop(match.length)
        decoded.push({ frame: match.frame })
      } else {
        decoded.push(rejected(match.code, match.length))
        this.#drop(1)
        this.#reported = Math.max(this.#reported, match.length - 1)
      }
    }
  }

  #skip(decoded: Decoded<Frame>[]): void {
    if (this.#reported === 0 && this.#held[0] !== this.#grammar.padding) this.#noise += 1
    this.#drop(1)
    if (this.#noise === noiseReportBytes) this.#report(decoded, 'frame-garbled')
  }

  #drop(count: number): void {
    this.#held.copyWithin(0, count, this.#length)
    this.#length -= count
    this.#reported = Math.max(0, this.#reported - count)
  }

  #report(decoded: Decoded<Frame>[], code: RejectionCode): void {
    if (this.#noise > 0) decoded.push(rejected(code, this.#noise))
    this.#noise = 0
  }
}

function rejected(code: RejectionCode, bytes: number): { rejected: Rejection } {
  return { rejected: { code, bytes } }
}
