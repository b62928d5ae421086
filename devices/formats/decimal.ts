/** Numbers that readers, and the print on cards, write as decimal digits (reference: readers.md 1c). */
import type { RejectionCode } from '../rejection.ts'
import type { CardNumber, NumberFormat } from './number-format.ts'

/** `parts`: decimal numbers that fill so many bytes each, one after the other. */
function number(...parts: { digits: string; bytes: number }[]): CardNumber | { code: RejectionCode } {
  if (parts.some(({ digits, bytes }) => Number(digits) >= 0x100 ** bytes)) return { code: 'uid-out-of-range' }
  const hex = parts
    .map(({ digits, bytes }) =>
      Number(digits)
        .toString(16)
        .padStart(bytes * 2, '0'),
    )
    .join('')
    .toUpperCase()
  return { hex, isTruncated: hex.length < 8, proof: 'none' }
}

function decimal(industryName: string, digits: number, bytes: number): NumberFormat {
  return {
    meaning: `${industryName}: ${String(digits)} decimal digits`,
    base: 10,
    uidBytes: Math.max(4, bytes),
    read(payload) {
      const compact = payload.replace(/[ :-]/g, '')
      if (compact === '') return { code: 'uid-empty' }
      if (compact.length !== digits || !/^\d+$/.test(compact)) return { code: 'uid-not-decimal' }
      return number({ digits: compact, bytes })
    },
  }
}

/** Two decimal numbers, the second of five digits and two bytes; with one separator between them, or none. */
function decimalPair(industryName: string, firstDigits: 3 | 5, firstBytes: number): NumberFormat {
  const pattern = new RegExp(`^ *\\d{${String(firstDigits)}}[ ,:;/-]?\\d{5} *$`)
  return {
    meaning: `${industryName}: ${String(firstDigits)} and 5 decimal digits, for example ${firstDigits === 3 ? '111' : '00623'},27706`,
    base: 10,
    uidBytes: 4,
    read(payload) {
      if (payload.trim() === '') return { code: 'uid-empty' }
      if (!pattern.test(payload)) return { code: 'uid-not-decimal' }
      const digits = payload.replaceAll(/\D/g, '')
      return number(
        { digits: digits.slice(0, firstDigits), bytes: firstBytes },
        { digits: digits.slice(firstDigits), bytes: 2 },
      )
    },
  }
}

/** The low three bytes. */
export const decimal8 = decimal('6H8D', 8, 3)
/** A 4-byte UID, or the low four bytes of an EM4100 card. */
export const decimal10 = decimal('8H10D', 10, 4)
export const decimal12 = decimal('10H12D', 12, 5)
export const decimal13 = decimal('13D', 13, 5)
/** The low three bytes, as one and two. */
export const decimal3x5 = decimalPair('3D+5D (2H+4H)', 3, 1)
export const decimal5x5 = decimalPair('5D+5D (4H+4H)', 5, 2)
