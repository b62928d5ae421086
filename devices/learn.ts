/**
 * Finds how a reader writes UIDs from one read of a card whose UID is known (reference: readers.md 1a). It says
 * everything that fits: which of it is right is decided by a second card, or by a person.
 */
import type { CardUid } from '../shared/card-uid.ts'
import type { CardFrame } from './card-frame.ts'
import { formatNames, formatOf } from './formats/formats.ts'
import { normalise, type NormalisedRead, type Profile } from './normalise.ts'

export interface FittingProfile extends NormalisedRead {
  profile: Pick<Profile, 'format' | 'byteOrder'>
  /** The format, for people. */
  meaning: string
}

const byteOrders = ['as-sent', 'reversed'] as const

/** Every profile under which `frame` is the card `known`, or a part of it; `uid` is what it would be from then on. */
export function fittingProfiles(frame: CardFrame, known: CardUid): FittingProfile[] {
  return formatNames
    .flatMap((format) => byteOrders.map((byteOrder) => ({ format, byteOrder })))
    .flatMap((profile) => {
      const read = normalise(frame, profile)
      if ('code' in read || !fits(read, known)) return []
      return [{ profile, meaning: formatOf(profile.format).meaning, ...read }]
    })
}

/** Readers that leave bytes out keep the first or the last ones. */
function fits({ uid, identity }: NormalisedRead, known: CardUid): boolean {
  if (uid === known) return true
  if (identity !== 'truncated') return false
  const kept = uid.replace(/^00/, '')
  return known.startsWith(kept) || known.endsWith(kept)
}
