/** Numbers that readers write as hex, two digits a byte (reference: readers.md 1a, 1c, 1j). */
import { hexBytes, xor } from '../codecs/bytes.ts'
import type { RejectionCode } from '../rejection.ts'
import type { CardNumber, NumberFormat } from './number-format.ts'

/** The digits of whole bytes, without separators. */
export function hexDigits(payload: string): { digits: string } | { code: RejectionCode } {
  const digits = payload.replace(/[ :-]/g, '').toUpperCase()
  if (digits === '') return { code: 'uid-empty' }
  if (!/^[0-9A-F]+$/.test(digits)) return { code: 'uid-not-hex' }
  return digits.length % 2 === 0 ? { digits } : { code: 'uid-odd-length' }
}

/** Exactly so many bytes of hex, and what to make of them. */
function ofBytes(
  bytes: number,
  read: (digits: string) => CardNumber | { code: RejectionCode },
): NumberFormat['read'] {
  return (payload) => {
    const parsed = hexDigits(payload)
    if ('code' in parsed) return parsed
    return parsed.digits.length === bytes * 2 ? read(parsed.digits) : { code: 'uid-length' }
  }
}

function whole(hex: string): CardNumber {
  return { hex, isTruncated: false, proof: 'none' }
}

function part(hex: string): CardNumber {
  return { hex, isTruncated: true, proof: 'none' }
}

export const hex: NumberFormat = {
  meaning: 'two hex digits a byte',
  base: 16,
  read(payload, bits = 32) {
    const parsed = hexDigits(payload)
    if ('code' in parsed) return parsed
    return bits < 32 ? part(parsed.digits) : whole(parsed.digits)
  },
}

export const hex10: NumberFormat = {
  meaning: '10H: ten hex digits, all of an EM4100 card',
  base: 16,
  uidBytes: 5,
  read: ofBytes(5, whole),
}

/** Cards of two makers may share these four bytes. */
export const hexLast4: NumberFormat = {
  meaning: 'ten hex digits of which the last eight count, as 8H10D readers print them',
  base: 16,
  uidBytes: 4,
  read: ofBytes(5, (digits) => part(digits.slice(2))),
}

/** What Wiegand converters leave of a UID when they take the parity off. */
export const hex6: NumberFormat = {
  meaning: 'six hex digits: three bytes of the number',
  base: 16,
  uidBytes: 4,
  read: ofBytes(3, part),
}

/** ISO 14443-3: the XOR of the four bytes of one cascade level. */
export const hexBcc: NumberFormat = {
  meaning: 'a 4-byte UID and its check byte BCC',
  base: 16,
  uidBytes: 4,
  read: ofBytes(5, (digits) =>
    xor(hexBytes(digits)) === 0
      ? { hex: digits.slice(0, 8), isTruncated: false, proof: 'checksum', technology: 'iso14443a' }
      : { code: 'uid-checksum' },
  ),
}
