/**
 * What three presentations of one card say of a reader, its place and its settings. Pure: it is fed what happens at
 * the reader, with the reads themselves.
 */
import type { CardUid } from '../shared/card-uid.ts'
import type { Identity, Proof } from './card-frame.ts'
import type { SupervisorEvent } from './reader-status.ts'
import type { RejectionCode } from './rejection.ts'

export interface TrialTap {
  uid: CardUid
  identity: Identity
  proof: Proof
  /** How often the reader read the card while it lay there. */
  reads: number
  /** Median time from read to read in milliseconds; null where it read the card once. */
  intervalMs: number | null
}

/** Why the reader is not fit for use with this card. */
export type TrialProblem = 'random' | 'uids-differ' | 'worth-differs'
/** What is worth knowing, and no fault. */
export type TrialNote = 'truncated' | 'ambiguous' | 'rejected'

export interface TrialReport {
  verdict: 'good' | 'bad'
  problems: TrialProblem[]
  notes: TrialNote[]
  taps: TrialTap[]
  rejected: Partial<Record<RejectionCode, number>>
}

export const trialTaps = 3

export class ReaderTrial {
  readonly #taps: (Omit<TrialTap, 'reads' | 'intervalMs'> & { readAtMonoMs: number[] })[] = []
  readonly #rejected: TrialReport['rejected'] = {}
  /** The last read comes before the tap that is made of it, if one is. */
  #lastReadMonoMs = 0

  get count(): number {
    return this.#taps.length
  }

  /** Answers whether it was a tap that counts. */
  take(event: SupervisorEvent): boolean {
    const lying = this.#taps.at(-1)
    if (event.type === 'frame') {
      this.#lastReadMonoMs = event.receivedAtMonoMs
      if ('uid' in event.read && event.read.uid === lying?.uid)
        lying.readAtMonoMs.push(event.receivedAtMonoMs)
    }
    if (event.type === 'rejected') this.#rejected[event.code] = (this.#rejected[event.code] ?? 0) + 1
    if (event.type !== 'tap' || this.#taps.length >= trialTaps) return false
    const { uid, identity, proof } = event
    // It was taken for another read of the tap before.
    if (lying?.uid === uid) lying.readAtMonoMs.pop()
    this.#taps.push({ uid, identity, proof, readAtMonoMs: [this.#lastReadMonoMs] })
    return true
  }

  report(): TrialReport {
    const taps = this.#taps.map(({ readAtMonoMs, ...tap }) => ({
      ...tap,
      reads: readAtMonoMs.length,
      intervalMs: medianInterval(readAtMonoMs),
    }))
    const identities = new Set(taps.map(({ identity }) => identity))
    const problems: TrialProblem[] = []
    if (identities.has('random')) problems.push('random')
    else if (new Set(taps.map(({ uid }) => uid)).size > 1) problems.push('uids-differ')
    else if (identities.size > 1 || new Set(taps.map(({ proof }) => proof)).size > 1)
      problems.push('worth-differs')

    const notes: TrialNote[] = []
    if (identities.has('truncated')) notes.push('truncated')
    if (identities.has('ambiguous')) notes.push('ambiguous')
    if (Object.keys(this.#rejected).length > 0) notes.push('rejected')
    const isGood = problems.length === 0 && taps.length === trialTaps
    return { verdict: isGood ? 'good' : 'bad', problems, notes, taps, rejected: this.#rejected }
  }
}

function medianInterval(atMs: number[]): number | null {
  const gaps = atMs.slice(1).map((ms, index) => ms - (atMs[index] ?? 0))
  const median = gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)]
  return median === undefined ? null : Math.round(median)
}
