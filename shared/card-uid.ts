declare const canonical: unique symbol

/** A card's UID in the one spelling used everywhere: upper-case hex, no separators, display byte order. */
export type CardUid = string & { readonly [canonical]: true }

export type CardUidFault = 'uid-empty' | 'uid-not-hex' | 'uid-odd-length' | 'uid-length'

const minBytes = 4
const maxBytes = 10

/**
 * Reads a UID as people and readers write it: hex of 4 to 10 bytes, either case, with spaces, colons or hyphens
 * between the digits. Answers the canonical form, or what is wrong with the text.
 */
export function parseCardUid(text: string): { uid: CardUid } | { fault: CardUidFault } {
  const digits = text.replace(/[ :-]/g, '').toUpperCase()
  if (digits === '') return { fault: 'uid-empty' }
  if (!/^[0-9A-F]+$/.test(digits)) return { fault: 'uid-not-hex' }
  if (digits.length % 2 !== 0) return { fault: 'uid-odd-length' }
  if (digits.length < minBytes * 2 || digits.length > maxBytes * 2) return { fault: 'uid-length' }
  return { uid: digits as CardUid }
}

/** The same card with its bytes in the opposite order, as some readers print it. */
export function reverseBytes(uid: CardUid): CardUid {
  return (uid.match(/../g) ?? []).reverse().join('') as CardUid
}
