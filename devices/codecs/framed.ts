/**
 * Framed 125 kHz serial readers (reference: readers.md 1b; Seeed 125 kHz manual, ID-2/12/20LA datasheet,
 * Parallax 28140 v2.1, 7941E product page, IDTECK SR10/SR30).
 *
 *   rdm6300    02, 10 hex digits, 2 hex digits, 03             XOR of the five bytes
 *   id12la     02, 10 hex digits, 2 hex digits, 0D 0A, 03      XOR of the five bytes
 *   parallax   0A, 10 hex digits, 0D                           nothing
 *   7941e      02, 0A, 02, five bytes, BCC, 03                 XOR of 0A to the last of the five
 *   idteck     02, 8 or 10 hex digits, 03, LRC                 XOR of 02 to 03; 8 for three bytes, 10 for four
 *
 * What they cannot tell: two errors that cancel in the XOR, the ghosts that RDM6300 makes with a right XOR, with
 * idteck a digit that became 03 where the rest happens to fit, and with parallax any wrong digit. The same 14 bytes
 * as rdm6300's with 0D 0A in place of the checksum are another reader's, and no frame here.
 */
import type { CardFrame, FrameProof } from '../card-frame.ts'
import { hexBytes, toHex, xor } from './bytes.ts'
import type { Codec } from './codec.ts'
import { HuntingCodec, type Grammar, type Match } from './hunting.ts'

/** Is a byte right in its place? */
type Place = (byte: number) => boolean

const stx = exactly(0x02)
const etx = exactly(0x03)

function exactly(expected: number): Place {
  return (byte) => byte === expected
}

function hexDigit(byte: number): boolean {
  return /[0-9A-Fa-f]/.test(String.fromCharCode(byte))
}

function anyByte(): boolean {
  return true
}

function times(count: number, place: Place): Place[] {
  return Array.from({ length: count }, () => place)
}

/** Frames of one length. `read` takes one whose places are right, and answers undefined for a wrong checksum. */
function places(layout: Place[], read: (frame: Uint8Array) => CardFrame | undefined): Grammar<CardFrame> {
  return {
    maxBytes: layout.length,
    match(bytes): Match<CardFrame> {
      if (bytes.some((byte, index) => layout[index]?.(byte) === false)) return 'none'
      if (bytes.length < layout.length) return 'more'
      const { length } = layout
      const frame = read(bytes.slice(0, length))
      return frame === undefined ? { length, code: 'frame-checksum' } : { length, frame }
    },
  }
}

/** Frames of either kind; no bytes are both. */
function either(one: Grammar<CardFrame>, other: Grammar<CardFrame>): Grammar<CardFrame> {
  return {
    maxBytes: Math.max(one.maxBytes, other.maxBytes),
    match(bytes) {
      const match = one.match(bytes)
      return match === 'none' ? other.match(bytes) : match
    },
  }
}

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

function ofBytes(payload: string, proof: FrameProof): CardFrame {
  return { payload: payload.toUpperCase(), form: 'bytes', proof, technology: 'lf' }
}

/** The digits of a frame that ends in their XOR; `digits`: five bytes and the checksum. */
function checked(digits: Uint8Array): CardFrame | undefined {
  const six = hexBytes(text(digits))
  return xor(six) === 0 ? ofBytes(toHex(six.subarray(0, 5)), 'checksum') : undefined
}

function idteck(digits: number): Grammar<CardFrame> {
  return places([stx, ...times(digits, hexDigit), etx, anyByte], (frame) =>
    xor(frame) === 0
      ? { payload: text(frame.subarray(1, -2)), form: 'text', proof: 'checksum', technology: 'lf' }
      : undefined,
  )
}

export interface FrameProfile {
  grammar: Grammar<CardFrame>
  /** The form of its frames' payloads: five bytes, or digits whose meaning is a setting of the reader. */
  payload: CardFrame['form']
  /** All of them 8N1. */
  baudRate: number
  /** A frame that stops for this long is given up; a byte takes 1 ms at 9600 baud, 4 ms at 2400. */
  idleResetMs: number
  /** Bytes that end a frame and stand nowhere else in one. None: only silence tells that a frame is over. */
  frameEnds: readonly number[]
  /** It makes up frames with a right checksum; but it repeats a real one for as long as the card lies there. */
  makesGhosts: boolean
}

const at9600 = {
  payload: 'bytes',
  baudRate: 9_600,
  idleResetMs: 50,
  frameEnds: [0x03],
  makesGhosts: false,
} as const

export const frameProfiles = {
  rdm6300: {
    ...at9600,
    grammar: places([stx, ...times(12, hexDigit), etx], (frame) => checked(frame.subarray(1, 13))),
    makesGhosts: true,
  },
  id12la: {
    ...at9600,
    grammar: places([stx, ...times(12, hexDigit), exactly(0x0d), exactly(0x0a), etx], (frame) =>
      checked(frame.subarray(1, 13)),
    ),
  },
  parallax: {
    ...at9600,
    grammar: places([exactly(0x0a), ...times(10, hexDigit), exactly(0x0d)], (frame) =>
      ofBytes(text(frame.subarray(1, 11)), 'none'),
    ),
    baudRate: 2_400,
    idleResetMs: 100,
    frameEnds: [0x0d],
  },
  '7941e': {
    ...at9600,
    // Its bytes are anything: what follows a 03 inside one frame can pass for a frame together with the next.
    frameEnds: [],
    grammar: places([stx, exactly(0x0a), exactly(0x02), ...times(6, anyByte), etx], (frame) =>
      xor(frame.subarray(1, 9)) === 0 ? ofBytes(toHex(frame.subarray(3, 8)), 'checksum') : undefined,
    ),
  },
  // The LRC behind the 03 is anything.
  idteck: { ...at9600, payload: 'text', frameEnds: [], grammar: either(idteck(8), idteck(10)) },
} satisfies Record<string, FrameProfile>

export type FrameProfileName = keyof typeof frameProfiles

export const frameProfileNames = Object.keys(frameProfiles) as FrameProfileName[]

export function framedCodec(name: FrameProfileName, idleResetMs = frameProfiles[name].idleResetMs): Codec {
  return new HuntingCodec(frameProfiles[name].grammar, idleResetMs)
}
