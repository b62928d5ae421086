/**
 * Codec for readers that send each card as one line of text: what most USB-CDC and USB-UART desk readers do
 * (reference: readers.md 1a; Parallax 28140 as `cr`, whose frame starts with LF).
 *
 * States: between frames -> in a frame -> (terminator) between frames
 *         in a frame -> (more than maxBytes) skipping -> (terminator) between frames
 *         in a frame -> (idleResetMs without a byte) between frames
 *
 * It holds at most maxBytes + 1 bytes, whatever arrives. Time is handed in, so it is pure.
 */
import type { Rejection } from '../rejection.ts'
import type { Codec, Decoded } from './codec.ts'

export type Terminator = 'any' | 'cr' | 'lf' | 'crlf'

export interface LineCodecOptions {
  /** `any`: CR, LF or CRLF. The others also take CRLF, but nothing else that they do not name. */
  terminator: Terminator
  /** Must start every frame and is taken off; empty for none. */
  prefix: string
  /** Must end every frame and is taken off; empty for none. */
  suffix: string
  /** Longest frame without its terminator. */
  maxBytes: number
  /** A frame that stops for this long is given up. */
  idleResetMs: number
}

const cr = 0x0d
const lf = 0x0a

export class LineCodec implements Codec {
  readonly #options: LineCodecOptions
  readonly #prefix: Uint8Array
  readonly #suffix: Uint8Array
  /** The frame so far. One more than a frame may have: whether a CR is content is known only at the next byte. */
  readonly #frame: Uint8Array
  #length = 0
  #previous = 0
  #skipping = false
  #lastByteMs = 0

  constructor(options: LineCodecOptions) {
    this.#options = options
    this.#prefix = new TextEncoder().encode(options.prefix)
    this.#suffix = new TextEncoder().encode(options.suffix)
    this.#frame = new Uint8Array(options.maxBytes + 1)
  }

  /** When `idle` will have something to do; undefined between frames. */
  get dueMs(): number | undefined {
    return this.#length === 0 ? undefined : this.#lastByteMs + this.#options.idleResetMs
  }

  push(bytes: Uint8Array, nowMs: number): Decoded[] {
    const decoded = this.idle(nowMs)
    for (const byte of bytes) {
      const outcome = this.#take(byte)
      this.#previous = byte
      if (outcome !== undefined) decoded.push(outcome)
    }
    this.#lastByteMs = nowMs
    return decoded
  }

  /** Gives up a frame whose rest did not come in time. */
  idle(nowMs: number): Decoded[] {
    return this.dueMs !== undefined && nowMs >= this.dueMs ? this.#giveUp() : []
  }

  /** Forgets everything: what comes next is another line. */
  reset(): Decoded[] {
    this.#skipping = false
    this.#previous = 0
    return this.#giveUp()
  }

  #giveUp(): Decoded[] {
    const bytes = withoutLast(this.#frame.slice(0, this.#length), cr)
    this.#length = 0
    if (bytes.length === 0) return []
    return [
      rejected(isPrintable(this.#afterPrefix(bytes) ?? bytes) ? 'frame-incomplete' : 'frame-garbled', bytes),
    ]
  }

  #take(byte: number): Decoded | undefined {
    if (this.#isEnd(byte)) return this.#end()
    if (this.#skipping) return undefined
    // The second half of a CRLF whose CR ended the frame, here or with whoever read before this session.
    if (byte === lf && this.#length === 0) return undefined

    this.#frame[this.#length] = byte
    this.#length += 1
    const { maxBytes } = this.#options
    const mayBeCrOfCrlf = byte === cr && this.#length === maxBytes + 1
    if (this.#length <= maxBytes || mayBeCrOfCrlf) return undefined
    const tooLong = rejected('frame-too-long', this.#frame)
    this.#length = 0
    this.#skipping = true
    return tooLong
  }

  #isEnd(byte: number): boolean {
    switch (this.#options.terminator) {
      case 'any':
        return byte === cr || byte === lf
      case 'cr':
        return byte === cr
      case 'lf':
        return byte === lf
      case 'crlf':
        return byte === lf && this.#previous === cr
    }
  }

  #end(): Decoded | undefined {
    // Where CR alone ends a frame none is left to take off.
    const bytes = withoutLast(this.#frame.slice(0, this.#length), cr)
    this.#length = 0
    if (this.#skipping) {
      this.#skipping = false
      return undefined
    }
    if (bytes.length === 0) return undefined

    const rest = this.#afterPrefix(bytes)
    if (rest === undefined) return rejected(isPrintable(bytes) ? 'prefix-missing' : 'frame-garbled', bytes)
    const length = rest.length - this.#suffix.length
    // A frame without its suffix was cut off.
    if (length < 0 || !startsWith(rest.slice(length), this.#suffix))
      return rejected('frame-incomplete', bytes)
    const content = rest.slice(0, length)
    return isPrintable(content)
      ? { frame: { payload: new TextDecoder().decode(content), form: 'text', proof: 'none' } }
      : rejected('frame-garbled', bytes)
  }

  #afterPrefix(bytes: Uint8Array): Uint8Array | undefined {
    return startsWith(bytes, this.#prefix) ? bytes.slice(this.#prefix.length) : undefined
  }
}

function rejected(code: Rejection['code'], bytes: Uint8Array): { rejected: Rejection } {
  return { rejected: { code, bytes: bytes.length } }
}

function withoutLast(bytes: Uint8Array, last: number): Uint8Array {
  return bytes.at(-1) === last ? bytes.slice(0, -1) : bytes
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return bytes.length >= start.length && start.every((byte, index) => bytes[index] === byte)
}

function isPrintable(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte >= 0x20 && byte <= 0x7e)
}
