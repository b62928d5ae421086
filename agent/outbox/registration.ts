import type { ErrorCode } from '../../shared/errors.ts'

export type RegistrationState = 'pending' | 'delivered' | 'dead' | 'discarded' | 'lost'
/** Which API takes it. */
export type System = 'vlt-clients' | 'digital-registry' | 'user-accounts'

/** What is accepted: the body exactly as it will be sent. */
export interface NewRegistration {
  system: System
  /** The client. Registrations of one client are delivered in the order they were accepted. */
  subject: string
  /** Canonical UID. Registrations of one card, too, are delivered in order. Empty where there is no card. */
  card: string
  /** JSON text. */
  body: string
  /** null where a person typed the card. */
  readerId: string | null
  /** Which consent text the client was shown; null where a clerk asked. */
  consentText?: string | null
}

export interface StoredRegistration {
  seq: number
  id: string
  idempotencyKey: string
  system: System
  body: string
  readerId: string | null
  createdAt: string
  state: RegistrationState
  attempts: number
  /** Attempts that failed on this row alone. */
  failures: number
  lastError: ErrorCode | null
  /** The server's answer body, as JSON text. */
  receipt: string | null
  discardReason: string | null
  consentText: string | null
}

/** What became of one registration that was sent. */
export type Settlement =
  /** The server has it; `receipt` is its answer body; `error` where it did not say that it has it from us. */
  | { id: string; state: 'delivered'; receipt: string; error?: ErrorCode | undefined }
  /** The server refused it for good. */
  | { id: string; state: 'dead'; error: ErrorCode; receipt: string | null }
  /** The attempt failed and will be repeated. */
  | { id: string; state: 'pending'; error: ErrorCode }

/** How far this outbox has come: what a kiosk tells the server, which compares it with what it holds. */
export interface Watermark {
  /** A new one for every birth of the outbox: a copied or restored kiosk reuses sequence numbers, not this. */
  epoch: string
  /** The last sequence number given out; 0 before the first. */
  highestSeq: number
  /** accepted = delivered + pending + dead + discarded + lost, always. */
  accepted: number
  delivered: number
  dead: number
  discarded: number
  /** Accepted once, and destroyed by damage to the disk: told, never silent. */
  lost: number
  pending: number
  /** Hex; commits to every accepted registration up to highestSeq. */
  chainHead: string
}

export interface OutboxCounts {
  pending: number
  delivered: number
  /** Of those delivered, the ones the server did not say it has from us. */
  unconfirmed: number
  dead: number
  discarded: number
  /** Damaged so that it cannot be sent any more. */
  lost: number
  /** null when nothing waits. */
  oldestPendingSeconds: number | null
}
