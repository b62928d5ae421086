/**
 * Finds how a reader writes UIDs from one read of a card whose UID is known (reference: readers.md 1a). It says
 * everything that fits: which of it is right is decided by a second card, or by a person.
 */
import type { CardUid } from '../shared/card-uid.ts'
import type { CardFrame } from './card-frame.ts'
import { formatNames, formatOf, type FormatName } from './formats/formats.ts'
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

/** A card that was tapped and its UID, from its print or another reader. */
export interface KnownCard {
  frame: CardFrame
  uid: CardUid
}

/**
 * The profiles under which each of these cards is what it is known to be. One left is the answer; of several, each
 * may be wrong about the next card, and only a further card can tell. `formats`: those that the reader can be set to.
 */
export function profilesOfAll(
  cards: readonly KnownCard[],
  formats: readonly FormatName[] = formatNames,
): FittingProfile[] {
  const fitting = cards.map(({ frame, uid }) =>
    fittingProfiles(frame, uid).filter(({ profile }) => formats.includes(profile.format)),
  )
  const [first = [], ...others] = fitting
  const alike = (a: FittingProfile, b: FittingProfile): boolean =>
    a.profile.format === b.profile.format && a.profile.byteOrder === b.profile.byteOrder
  const common = first.filter((one) => others.every((fits) => fits.some((other) => alike(one, other))))
  return common.filter((one) => !common.some((better) => supersedes(better, one)))
}

/**
 * No card could ever decide between hex digits and the same digits of fixed length, or fewer of them: the reading is
 * one and the same. The strictest that keeps all is the one to have.
 */
function supersedes(better: FittingProfile, one: FittingProfile): boolean {
  const isSameReading =
    better.profile.byteOrder === one.profile.byteOrder &&
    [better, one].every(({ profile }) => ofSameDigits.includes(profile.format))
  return isSameReading && rank(better) < rank(one)
}

const ofSameDigits: readonly Profile['format'][] = ['hex-10', 'hex', 'hex-last-4']

function rank({ profile }: FittingProfile): number {
  return ofSameDigits.indexOf(profile.format)
}

/** What to write behind the path in a reader's spec; `format` is no option of readers that have but one. */
export function optionText({ format, byteOrder }: FittingProfile['profile'], hasFormats = true): string {
  if (!hasFormats) return `byteOrder=${byteOrder}`
  return `format=${format}${byteOrder === 'reversed' ? '&byteOrder=reversed' : ''}`
}
