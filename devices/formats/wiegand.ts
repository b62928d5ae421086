/**
 * Wiegand frames (HID "Understanding card data formats"; reference: readers.md 1c): a parity bit, data, a parity bit.
 * The first bit makes the ones of the first half even, the last those of the second half odd; with an odd number
 * of bits both halves hold the middle one. Bits are text of 0 and 1: 37 of them fit no bit operation.
 */
import type { RejectionCode } from '../rejection.ts'
import type { CardNumber, NumberFormat } from './number-format.ts'

/** How the data bits are divided. */
export interface WiegandLayout {
  /** With both parity bits. */
  bits: 26 | 34 | 37
  /** The rest are the card's. */
  facilityBits: number
}

export const h10301: WiegandLayout = { bits: 26, facilityBits: 8 }
/** 34 bits have no division of their own: mostly they are a 4-byte UID. */
export const wiegand34Layout: WiegandLayout = { bits: 34, facilityBits: 0 }
export const h10302: WiegandLayout = { bits: 37, facilityBits: 0 }
export const h10304: WiegandLayout = { bits: 37, facilityBits: 16 }

export interface WiegandCard {
  facility: number
  card: number
}

/** Throws a RangeError when the numbers do not fit the layout. */
export function encodeWiegand({ facility, card }: WiegandCard, layout: WiegandLayout): string {
  const cardBits = layout.bits - 2 - layout.facilityBits
  if (facility >= 2 ** layout.facilityBits || card >= 2 ** cardBits) {
    throw new RangeError(`${String(facility)}, ${String(card)} have more than ${String(layout.bits)} bits`)
  }
  const facilityText = facility.toString(2).padStart(layout.facilityBits, '0').slice(-layout.facilityBits)
  const data = (layout.facilityBits === 0 ? '' : facilityText) + card.toString(2).padStart(cardBits, '0')
  const half = Math.ceil(layout.bits / 2) - 1
  const even = isOdd(data.slice(0, half)) ? '1' : '0'
  const odd = isOdd(data.slice(-half)) ? '0' : '1'
  return even + data + odd
}

/** Undefined for another number of bits, and for wrong parity. */
export function decodeWiegand(bits: string, layout: WiegandLayout): WiegandCard | undefined {
  const data = bits.length === layout.bits ? dataOf(bits) : undefined
  if (data === undefined) return undefined
  const facility = parseInt(`0${data.slice(0, layout.facilityBits)}`, 2)
  return { facility, card: parseInt(data.slice(layout.facilityBits), 2) }
}

/** Data without parity, or undefined when that is wrong. */
function dataOf(bits: string): string | undefined {
  const half = Math.ceil(bits.length / 2)
  const isRight = !isOdd(bits.slice(0, half)) && isOdd(bits.slice(-half))
  return isRight ? bits.slice(1, -1) : undefined
}

function isOdd(bits: string): boolean {
  return bits.replaceAll('0', '').length % 2 === 1
}

/** Lengths whose parity is known. */
const knownBits = [26, 34, 37]

/** The number in a frame of any known length. */
export function wiegandNumber(bits: string): CardNumber | { code: RejectionCode } {
  if (!knownBits.includes(bits.length)) return { code: 'uid-length' }
  const data = dataOf(bits)
  if (data === undefined) return { code: 'uid-parity' }
  const digits = Math.ceil(data.length / 8) * 2
  const hex = BigInt(`0b${data}`).toString(16).padStart(digits, '0').toUpperCase()
  return { hex, isTruncated: data.length < 32, proof: 'parity' }
}

/** Frames of one length, as bits or as one hex number. */
function wiegand(bits: 26 | 34 | 37): NumberFormat {
  const digits = Math.ceil(bits / 4)
  return {
    meaning: `Wiegand ${String(bits)} with its parity: ${String(digits)} hex digits, or ${String(bits)} of 0 and 1`,
    base: 16,
    uidBytes: bits === 37 ? 5 : 4,
    read(payload, sentBits = bits) {
      const compact = payload.replace(/[ :-]/g, '')
      if (compact === '') return { code: 'uid-empty' }
      if (sentBits !== bits) return { code: 'uid-length' }
      if (compact.length === bits && /^[01]+$/.test(compact)) return wiegandNumber(compact)
      if (!/^[0-9A-Fa-f]+$/.test(compact)) return { code: 'uid-not-hex' }
      // Converters that send whole bytes put a zero before an odd number of digits.
      if (compact.length !== digits && compact.length !== digits + (digits % 2)) return { code: 'uid-length' }
      const binary = BigInt(`0x${compact}`).toString(2)
      return binary.length > bits ? { code: 'uid-out-of-range' } : wiegandNumber(binary.padStart(bits, '0'))
    },
  }
}

export const wiegand26 = wiegand(26)
export const wiegand34 = wiegand(34)
export const wiegand37 = wiegand(37)
