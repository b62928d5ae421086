import type { Vault } from '../security/vault.ts'
import type { Kiosk } from './store.ts'

export interface Counted {
  sequence: number
  /** Tells a repetition from another request: see `requestDigest`. */
  digest: string
  /** What the request holds of an earlier `behind`. */
  challenge: string | undefined
}

/**
 * Where a signed request stands in the count of its kiosk. No clock has a say:
 *
 *   higher                    next: it is done, whatever numbers were left out
 *   the same, same request    again: the answer was lost, and everything in it is done at most once anyway
 *   the same, another request diverged: two machines count with one key, one disk was copied
 *   lower                     behind: an old request that came late or was recorded, or a second machine. Only the
 *                             latter can sign the challenge that it is answered with: then diverged, too
 */
export type Place = 'next' | 'again' | 'diverged' | 'behind'

export function placeOf(vault: Vault, kiosk: Kiosk, request: Counted): Place {
  const last = Number(kiosk.last_sequence)
  if (request.sequence > last) return 'next'
  if (request.sequence === last) return request.digest === kiosk.last_request ? 'again' : 'diverged'
  return request.challenge === challengeFor(vault, kiosk, request) ? 'diverged' : 'behind'
}

/** Nobody can know it who has not sent this very request, and it holds for this request alone. */
export function challengeFor(vault: Vault, { id }: Kiosk, { sequence, digest }: Counted): string {
  return vault.index('kiosk-challenge', `${String(id)} ${String(sequence)} ${digest}`)
}
