/** Forms that one maker's readers write (reference: readers.md 1a, 1c). */
import { hexBytes } from '../codecs/bytes.ts'
import type { RejectionCode } from '../rejection.ts'
import { hexDigits } from './hex.ts'
import type { CardNumber, NumberFormat } from './number-format.ts'
import { wiegandNumber } from './wiegand.ts'

/** Elatec TWN3 manual 6.1: a byte with the number of bits, then the bits, the unused ones last. */
export const twn3Hid: NumberFormat = {
  meaning: 'Elatec TWN3, HID Prox: bit count, then a Wiegand frame, all hex',
  base: 16,
  read(payload) {
    const parsed = hexDigits(payload)
    if ('code' in parsed) return parsed
    const { digits } = parsed
    const bits = parseInt(digits.slice(0, 2), 16)
    return firstBits(digits.slice(2), bits)
  },
}

/** HID 5x27 configuration guide (5127-902): a byte with the number of filler bits, then the frame, filler last. */
export const omnikey: NumberFormat = {
  meaning: 'HID OMNIKEY 5x27: count of filler bits, then a Wiegand frame, all hex',
  base: 16,
  read(payload) {
    const parsed = hexDigits(payload)
    return 'code' in parsed ? parsed : withoutFiller(parsed.digits)
  },
}

export const omnikeyDecimal: NumberFormat = {
  meaning: 'HID OMNIKEY 5x27 in DEC mode: the hex form as one decimal number',
  base: 10,
  read(payload) {
    const compact = payload.replace(/[ :-]/g, '')
    if (compact === '') return { code: 'uid-empty' }
    if (!/^\d{1,20}$/.test(compact)) return { code: 'uid-not-decimal' }
    const hex = BigInt(compact).toString(16)
    return withoutFiller(hex.padStart(hex.length + (hex.length % 2), '0'))
  },
}

/** Elatec TWN3 manual 6.2: a colon, the id, and the two's complement of the sum of its bytes. */
export const twn3Inditag: NumberFormat = {
  meaning: 'Elatec TWN3, IndiTag: the id and its checksum in hex, with or without the colon before',
  base: 16,
  read(payload) {
    const parsed = hexDigits(payload)
    if ('code' in parsed) return parsed
    const { digits } = parsed
    if (digits.length < 4) return { code: 'uid-length' }
    const sum = hexBytes(digits).reduce((total, byte) => total + byte, 0)
    if (sum % 0x100 !== 0) return { code: 'uid-checksum' }
    return { hex: digits.slice(0, -2), isTruncated: false, proof: 'checksum' }
  },
}

function withoutFiller(digits: string): CardNumber | { code: RejectionCode } {
  const filler = parseInt(digits.slice(0, 2), 16)
  const frame = digits.slice(2)
  return filler > 7 ? { code: 'uid-out-of-range' } : firstBits(frame, frame.length * 4 - filler)
}

/** The first `bits` of a frame in whole bytes; those after them must be zero. */
function firstBits(frame: string, bits: number): CardNumber | { code: RejectionCode } {
  const unused = frame.length * 4 - bits
  if (frame === '' || unused < 0 || unused > 7) return { code: 'uid-length' }
  const all = BigInt(`0x${frame}`)
    .toString(2)
    .padStart(frame.length * 4, '0')
  if (all.slice(bits).includes('1')) return { code: 'uid-out-of-range' }
  return wiegandNumber(all.slice(0, bits))
}
