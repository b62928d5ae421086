/**
 * Frames of the PN532 on its serial line, HSU (NXP UM0701-02 section 6.2.1; reference: readers.md 1d):
 *
 *   normal     00 00 FF LEN LCS TFI data DCS 00          LEN counts TFI and data; LEN + LCS = 0 mod 256
 *   extended   00 00 FF FF FF LENM LENL LCS TFI data DCS 00
 *   ACK        00 00 FF 00 FF 00        NACK   00 00 FF FF 00 00        error   00 00 FF 01 FF 7F 81 00
 *
 * TFI + data + DCS = 0 mod 256; TFI is D4 to the chip, D5 from it. A frame is taken from its 00 FF on: the 00 before
 * and after are padding, and clones send more or fewer of them.
 */
import { hexBytes } from './bytes.ts'
import type { Codec } from './codec.ts'
import { HuntingCodec, type Grammar, type Match } from './hunting.ts'

export type Pn532Frame =
  /** The chip has taken a command; its answer follows. */
  | { kind: 'ack' }
  /** The chip asks for the command again. */
  | { kind: 'nack' }
  /** The chip did not understand the command. */
  | { kind: 'error' }
  /** `data` starts with the code of the command that is answered, plus one. */
  | { kind: 'answer'; data: Uint8Array }

/** Longest `data` of a command or an answer: the chip's own limit (libnfc, pn53x.h). */
const maxDataBytes = 264
const toChip = 0xd4
const fromChip = 0xd5
const errorFrame = 0x7f

export const ack = hexBytes('0000FF00FF00')

/** The frame of one command to the chip. */
export function commandFrame(data: Uint8Array): Uint8Array {
  if (data.length > maxDataBytes) throw new RangeError(`a PN532 command of ${String(data.length)} bytes`)
  const length = data.length + 1
  const header =
    length < 0x100 ? [length, -length] : [0xff, 0xff, length >> 8, length, -(length >> 8) - length]
  // Storing into bytes takes everything mod 256.
  return Uint8Array.from([0, 0, 0xff, ...header, toChip, ...data, -toChip - sum(data), 0])
}

const grammar: Grammar<Pn532Frame> = {
  // 00 FF FF FF LENM LENL LCS TFI data DCS
  maxBytes: 9 + maxDataBytes,
  padding: 0x00,
  match(bytes): Match<Pn532Frame> {
    const [start, code, length, lengthCheck] = bytes
    if (start !== 0x00 || (code !== undefined && code !== 0xff)) return 'none'
    if (length === undefined || lengthCheck === undefined) return 'more'
    if (length === 0x00 && lengthCheck === 0xff) return { length: 4, frame: { kind: 'ack' } }
    if (length === 0xff && lengthCheck === 0x00) return { length: 4, frame: { kind: 'nack' } }
    if (length === 0xff && lengthCheck === 0xff) return extended(bytes)
    return length > 0 && isZero(length + lengthCheck) ? body(bytes, 4, length) : 'none'
  },
}

function extended(bytes: Uint8Array): Match<Pn532Frame> {
  const [, , , , high, low, check] = bytes
  if (high === undefined || low === undefined || check === undefined) return 'more'
  const length = high * 0x100 + low
  const isPossible = length > 0 && length <= maxDataBytes + 1 && isZero(high + low + check)
  return isPossible ? body(bytes, 7, length) : 'none'
}

/** `start` is the place of TFI, `length` counts it and the data. */
function body(bytes: Uint8Array, start: number, length: number): Match<Pn532Frame> {
  const end = start + length + 1
  if (bytes.length < end) return 'more'
  const content = bytes.slice(start, end)
  if (!isZero(sum(content))) return { length: end, code: 'frame-checksum' }
  const [tfi] = content
  const data = content.slice(1, -1)
  if (tfi === fromChip && data.length > 0) return { length: end, frame: { kind: 'answer', data } }
  if (tfi === errorFrame && data.length === 0) return { length: end, frame: { kind: 'error' } }
  // Our own command, echoed by the line, or nothing the chip can say.
  return { length: end, code: 'frame-garbled' }
}

function sum(bytes: Uint8Array): number {
  return bytes.reduce((total, byte) => total + byte, 0)
}

function isZero(value: number): boolean {
  return value % 0x100 === 0
}

export function pn532Codec(idleResetMs = 50): Codec<Pn532Frame> {
  return new HuntingCodec(grammar, idleResetMs)
}
