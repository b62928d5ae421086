import type { CardUid } from '../shared/card-uid.ts'
import type { ErrorCode } from '../shared/errors.ts'
import type { Identity, Proof } from './card-frame.ts'
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
  taps: number
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
  /** Bytes on its wire; only while somebody watches them. */
  | { type: 'bytes'; readerId: string; direction: 'in' | 'out'; hex: string }
  | { type: 'rejected'; readerId: string; code: RejectionCode; bytes: number }
  | { type: 'state'; readerId: string; state: ReaderState; fault: ReaderFault | null }
