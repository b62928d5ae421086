import type { CardUid } from '../shared/card-uid.ts'
import type { ErrorCode } from '../shared/errors.ts'
import type { CardFrame, Identity, Proof } from './card-frame.ts'
import type { NormalisedRead } from './normalise.ts'
import type { PortHolder } from './port-holder.ts'
import type { RejectionCode } from './rejection.ts'

/**
 * `absent`: cannot be opened, `fault` says why, tried again by itself. `opening`: the first attempt. `ready`: waits
 * for cards. `stopped`: `run` has returned.
 */
export type ReaderState = 'absent' | 'opening' | 'ready' | 'stopped'

export interface ReaderFault {
  code: ErrorCode
  /** What a person does next. */
  hint: string
  /** The program that has the device open, where that is known; only with `reader-busy`. */
  holder?: PortHolder
}

/** What `status --json` says of one reader. */
export interface ReaderStatus {
  /** `<driver>:<path>` */
  id: string
  driver: string
  state: ReaderState
  /** When it entered this state, ISO 8601 UTC. */
  since: string
  lastTapAt: string | null
  /** What the last tap was worth. */
  lastTapWorth: { identity: Identity; proof: Proof } | null
  taps: number
  /** How many of the taps were worth what; only kinds that happened. */
  identities: Partial<Record<Identity, number>>
  /** How often each kind of line was no tap; only kinds that happened. */
  rejected: Partial<Record<RejectionCode, number>>
  /** Why it is not ready, or what is wrong although it reads (`reader-leaking`); else null. */
  fault: ReaderFault | null
  /** Sessions so far. */
  opens: number
}

/** What happens on a reader, as it happens: `reader monitor` shows it. */
export type SupervisorEvent =
  | { type: 'tap'; readerId: string; uid: CardUid; identity: Identity; proof: Proof; tappedAt: string }
  /** Bytes on its wire; only for who watches them. */
  | { type: 'bytes'; readerId: string; direction: 'in' | 'out'; hex: string }
  /** Every read, before the profile and presence make a tap of it or not; only for who watches them. */
  | ({
      type: 'frame'
      readerId: string
      receivedAtMonoMs: number
      /** What the profile makes of it. */
      read: NormalisedRead | { code: RejectionCode }
    } & CardFrame)
  | { type: 'rejected'; readerId: string; code: RejectionCode; bytes: number }
  | { type: 'state'; readerId: string; state: ReaderState; fault: ReaderFault | null }

/** What a listener gets beside taps, rejections and states. All of it holds UIDs: it is for a technician's eyes. */
export interface Watching {
  /** `bytes` events. */
  bytes?: boolean
  /** `frame` events. */
  frames?: boolean
  /** Taps are nobody else's: a card that tests a reader must not become a client's. */
  takesTaps?: boolean
}
