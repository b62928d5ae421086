/**
 * Codec for readers that type: the input reports of a USB keyboard (HID 1.11 appendix B; reference: readers.md 1f).
 *
 *   8 bytes   modifiers, 00, six usages
 *   9 bytes   report ID, modifiers, 00, six usages
 *   3 bytes   report ID, modifiers, one usage; without a release between different keys
 *
 * A key is pressed when its usage is in a report and was not in the one before. What is typed goes through the
 * line codec: Enter, keypad Enter and Tab end a line, and silence too where the reader types no such key.
 *
 * Nothing in a report is checked, and nothing here can tell a digit that got lost from one that never was: the
 * length that the profile demands can.
 */
import type { Codec, Decoded } from './codec.ts'
import { LineCodec, type LineCodecOptions } from './line.ts'
import { usCharacter } from './us-keys.ts'

export interface KeyboardCodecOptions extends Omit<LineCodecOptions, 'terminator'> {
  /** `key`: a line that stops without Enter or Tab is given up. `silence`: it is whole then. */
  end: 'key' | 'silence'
}

interface Report {
  modifiers: number
  usages: Uint8Array
}

const shift = 0x22
/** Reported in every place when more keys are down than the keyboard can tell apart, and two errors like it. */
const lastErrorUsage = 0x03
const enter = Uint8Array.of(0x0d)

export class KeyboardCodec implements Codec {
  readonly #line: LineCodec
  /** Undefined where a key ends a line: then silence is the line codec's. */
  readonly #silenceMs: number | undefined
  #typedAtMs: number | undefined
  #pressed = new Set<number>()

  constructor({ end, idleResetMs, ...line }: KeyboardCodecOptions) {
    this.#silenceMs = end === 'silence' ? idleResetMs : undefined
    this.#line = new LineCodec({
      ...line,
      terminator: 'cr',
      idleResetMs: end === 'silence' ? Infinity : idleResetMs,
    })
  }

  get dueMs(): number | undefined {
    if (this.#silenceMs === undefined) return this.#line.dueMs
    return this.#typedAtMs === undefined ? undefined : this.#typedAtMs + this.#silenceMs
  }

  /** `bytes` is one report. */
  push(bytes: Uint8Array, nowMs: number): Decoded[] {
    const decoded = this.idle(nowMs)
    const report = readReport(bytes)
    if (report === undefined) {
      decoded.push({ rejected: { code: 'frame-garbled', bytes: bytes.length } })
      return decoded
    }
    const down = new Set(report.usages.filter((usage) => usage !== 0))
    if ([...down].some((usage) => usage <= lastErrorUsage)) return decoded

    const typed = [...down].filter((usage) => !this.#pressed.has(usage))
    this.#pressed = down
    // With Ctrl, Alt or GUI a key is a command or half of a character code, and no part of a number.
    const isCommand = (report.modifiers & ~shift) !== 0
    const isShifted = (report.modifiers & shift) !== 0
    const text = typed.map((usage) => (isCommand ? '\0' : usCharacter(usage, isShifted))).join('')
    if (text === '') return decoded
    this.#typedAtMs = nowMs
    return [...decoded, ...this.#line.push(new TextEncoder().encode(text), nowMs)]
  }

  idle(nowMs: number): Decoded[] {
    if (this.dueMs === undefined || nowMs < this.dueMs) return []
    if (this.#silenceMs === undefined) return this.#line.idle(nowMs)
    this.#typedAtMs = undefined
    return this.#line.push(enter, nowMs)
  }

  reset(): Decoded[] {
    this.#pressed = new Set()
    this.#typedAtMs = undefined
    return this.#line.reset()
  }
}

/** The layout is told by the length: a fixed place would take a report ID for a modifier. */
function readReport(bytes: Uint8Array): Report | undefined {
  const [first = 0, second = 0] = bytes
  switch (bytes.length) {
    case 8:
      return { modifiers: first, usages: bytes.subarray(2) }
    case 9:
      return { modifiers: second, usages: bytes.subarray(3) }
    case 3:
      return { modifiers: second, usages: bytes.subarray(2) }
    default:
      return undefined
  }
}
