import { parseCardUid, reverseBytes, type CardUid } from '../shared/card-uid.ts'
import type { RejectionCode } from './rejection.ts'

/**
 * How one reader writes UIDs. It is set by a person who tapped a card whose UID is known and is never guessed:
 * `0013748911` is 00D1CAAF to a decimal reader and 0013748911 to a hex one.
 */
export interface Profile {
  /** `hex`: two digits a byte, separators allowed. `decimal-10`: 8H10D, a 32-bit number in ten digits. */
  format: 'hex' | 'decimal-10'
  /** `reversed`: the reader sends the last byte of the display order first. */
  byteOrder: 'as-sent' | 'reversed'
  /** Exact length, 4 to 10. A line that lost or gained bytes is then no card. */
  uidBytes?: number | undefined
}

const maxDecimal = 0xffff_ffff

/** Turns the text of one frame into the canonical UID, or answers why it is none. */
export function normalise(payload: string, profile: Profile): { uid: CardUid } | { code: RejectionCode } {
  const read = profile.format === 'hex' ? fromHex(payload) : fromDecimal(payload)
  if ('code' in read) return read
  // Ghosts read as a card of nothing but zeros (esprfid/esp-rfid #411); an idle line reads as nothing but ones.
  if (/^(0+|F+)$/.test(read.uid)) return { code: 'uid-blank' }
  if (profile.uidBytes !== undefined && read.uid.length !== profile.uidBytes * 2)
    return { code: 'uid-length' }
  return { uid: profile.byteOrder === 'reversed' ? reverseBytes(read.uid) : read.uid }
}

function fromHex(payload: string): { uid: CardUid } | { code: RejectionCode } {
  const parsed = parseCardUid(payload)
  return 'uid' in parsed ? parsed : { code: parsed.fault }
}

function fromDecimal(payload: string): { uid: CardUid } | { code: RejectionCode } {
  // Ten decimal digits are also five hex bytes, so the parser takes out the separators and keeps the digits.
  const parsed = parseCardUid(payload)
  if ('fault' in parsed) return { code: parsed.fault === 'uid-empty' ? 'uid-empty' : 'uid-not-decimal' }
  if (!/^\d{10}$/.test(parsed.uid)) return { code: 'uid-not-decimal' }
  const value = Number(parsed.uid)
  if (value > maxDecimal) return { code: 'uid-out-of-range' }
  return fromHex(value.toString(16).padStart(8, '0'))
}
