import { parseCardUid, reverseBytes, type CardUid } from '../shared/card-uid.ts'
import type { CardFrame, Identity, Proof } from './card-frame.ts'
import { formatNames, formatOf, type FormatName } from './formats/formats.ts'
import { identityOf } from './formats/identity.ts'
import type { CardNumber } from './formats/number-format.ts'
import type { RejectionCode } from './rejection.ts'

/**
 * How one reader writes UIDs. It is set by a person who tapped a card whose UID is known and is never guessed:
 * `0013748911` is 00D1CAAF to a decimal reader and 0013748911 to a hex one.
 */
export interface Profile {
  /** `hex`: two digits a byte, separators allowed. The others: formats/formats.ts. */
  format: FormatName
  /** `reversed`: the reader sends the last byte of the display order first. */
  byteOrder: 'as-sent' | 'reversed'
  /** Exact length, 4 to 10. A line that lost or gained bytes is then no card. */
  uidBytes?: number | undefined
  /** `lf`: only 125 kHz cards are read here, of which none makes up its number. */
  cards?: 'any' | 'lf' | undefined
}

export interface NormalisedRead {
  uid: CardUid
  identity: Identity
  /** The better of what the frame and what the number in it proved. */
  proof: Proof
}

/** Turns one frame into the canonical UID and what it is worth, or answers why it is no card. */
export function normalise(frame: CardFrame, profile: Profile): NormalisedRead | { code: RejectionCode } {
  const format = formatOf(profile.format)
  if (format.base === 10 && frame.form === 'bytes') return { code: 'uid-not-decimal' }
  const number = format.read(frame.payload, frame.bits)
  if ('code' in number) return number

  const parsed = canonical(number, profile.byteOrder)
  if ('fault' in parsed) return { code: parsed.fault }
  const { uid } = parsed
  // Ghosts read as a card of nothing but zeros (esprfid/esp-rfid #411); an idle line reads as nothing but ones.
  if (/^(0+|F+)$/.test(number.hex)) return { code: 'uid-blank' }
  if (profile.uidBytes !== undefined && uid.length !== profile.uidBytes * 2) return { code: 'uid-length' }

  const identity = identityOf({
    uid,
    isTruncated: number.isTruncated,
    isAmbiguous: isAmbiguous(frame, profile),
    technology: frame.technology ?? number.technology ?? (profile.cards === 'lf' ? 'lf' : undefined),
    isAnonymous: frame.isAnonymous === true,
  })
  return { uid, identity, proof: frame.proof === 'none' ? number.proof : frame.proof }
}

/**
 * A number of three bytes gets a zero byte in front: that leaves its value as it is, and every system that takes a
 * `tarjeta` wants four bytes at least; that something is missing is said by the identity.
 */
function canonical({ hex, isTruncated }: CardNumber, byteOrder: Profile['byteOrder']) {
  const digits = isTruncated ? 8 : 0
  if (byteOrder === 'as-sent') return parseCardUid(hex.padStart(digits, '0'))
  const parsed = parseCardUid(hex.padEnd(digits, '0'))
  return 'uid' in parsed ? { uid: reverseBytes(parsed.uid) } : parsed
}

/**
 * Hex is what a profile says that says nothing. Then eight or ten digits without a letter may as well be the
 * decimal number of another card; a length in the profile shows that somebody has looked.
 */
function isAmbiguous({ payload, form }: CardFrame, { format, uidBytes }: Profile): boolean {
  if (format !== 'hex' || form === 'bytes' || uidBytes !== undefined) return false
  return formatNames
    .map(formatOf)
    .some((decimal) => decimal.base === 10 && !('code' in decimal.read(payload)))
}
