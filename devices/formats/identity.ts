/**
 * What a UID is worth (reference: readers.md 1e, 1j).
 *
 * - ISO 14443-3: a 4-byte UID that starts with 08 is made up at every presentation (phones; nfcpy #145,
 *   liblogicalaccess #161); with 88 it is the first part of a longer one, which the reader did not go on to read.
 * - ISO 14443 type B has no UID; its PUPI may be fixed or made up, and nothing says which.
 * - 125 kHz cards know neither: there 08 and 88 are numbers like any other. A reader that does not say what kind
 *   of card it read is believed to have read the worst one, unless its profile says that all its cards are 125 kHz.
 */
import type { CardUid } from '../../shared/card-uid.ts'
import type { Identity, Technology } from '../card-frame.ts'

export interface Evidence {
  uid: CardUid
  isTruncated: boolean
  /** Another format reads the same payload too, and nobody said that it is not that one. */
  isAmbiguous: boolean
  technology: Technology | undefined
  isAnonymous: boolean
}

export function identityOf(evidence: Evidence): Identity {
  const { uid, isTruncated, isAmbiguous, technology, isAnonymous } = evidence
  if (isTruncated) return 'truncated'
  const isShort = uid.length === 8
  if (isShort && (technology === undefined || technology === 'iso14443a')) {
    if (isAnonymous || uid.startsWith('08')) return 'random'
    if (uid.startsWith('88')) return technology === undefined ? 'ambiguous' : 'truncated'
  }
  return isAmbiguous || technology === 'iso14443b' ? 'ambiguous' : 'stable'
}
