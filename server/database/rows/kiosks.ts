import type { Generated } from 'kysely'

/** A lobby machine that hands over its backlog under a key of its own: see kiosks/. */
export interface KioskRow {
  id: Generated<number>
  name: string
  /** Thumbprint of the key. */
  key_id: string
  /** 32 bytes in base64url: the `x` of the JWK. */
  public_key: string
  /** Pending: waits for `kiosk activate`. Locked: two machines use its key. */
  state: 'pending' | 'active' | 'locked' | 'revoked'
  version: string
  joined_at: string
  last_seen_at: string | null
  /** Of its newest request; decimal. */
  last_sequence: string
  /** Signature base of that request, hashed: tells a repetition from another request. */
  last_request: string
}

export interface KioskCodeRow {
  id: Generated<number>
  /** Keyed hash of the code. */
  code_index: string
  name: string | null
  /** The kiosk that is to join again; null for a new one. */
  kiosk_id: number | null
  activates: 0 | 1
  expires_at: string
  /** Thumbprint of the key that joined with it. */
  used_by: string | null
}

/** What the server holds of one outbox, and what that kiosk said last. */
export interface KioskEpochRow {
  kiosk_id: number
  epoch: string
  /** Registrations taken through kiosks/, each once. */
  taken: number
  /** The last report, JSON. */
  report: string | null
  reported_at: string | null
}

/** A key that came in this count too, after it was done: see idempotency/. Goes with its key. */
export interface KioskRepetitionRow {
  scope: string
  key: string
  kiosk_id: number
  epoch: string
}
