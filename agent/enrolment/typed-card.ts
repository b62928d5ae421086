import { identityOf } from '../../devices/formats/identity.ts'
import type { CardUid } from '../../shared/card-uid.ts'

/** Whether a UID that no reader vouches for is one that phones make up. 125 kHz cards know no such thing. */
export function isMadeUp(uid: CardUid, onlyLf: boolean): boolean {
  const technology = onlyLf ? 'lf' : undefined
  const identity = identityOf({ uid, isTruncated: false, isAmbiguous: false, technology, isAnonymous: false })
  return identity === 'random'
}
