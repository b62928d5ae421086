import type { ErrorCode } from '../../shared/errors.ts'

export type RegistrationState = 'pending' | 'delivered' | 'dead' | 'discarded'
export type System = 'vlt-clients'

/** What is accepted: the body exactly as it will be sent. */
export interface NewRegistration {
  system: System
  /** The client. Registrations of one client are delivered in the order they were accepted. */
  subject: string
  /** Canonical UID. Registrations of one card, too, are delivered in order. */
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

export interface OutboxCounts {
  pending: number
  delivered: number
  dead: number
  discarded: number
  /** null when nothing waits. */
  oldestPendingSeconds: number | null
}
