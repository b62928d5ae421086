import type { Generated } from 'kysely'

export interface IdempotencyKeyRow {
  scope: string
  key: string
  /** Blind index of the request body. */
  request_index: string
  /** Sealed JSON of the answer. */
  answer: string
  created_at: string
  /** Whom the answer is about: `client 70`. Null where it says nothing of a person. */
  subject: string | null
  /** The kiosk that brought it first, and the epoch of its outbox; null for what came by the documented endpoint. */
  kiosk_id: number | null
  kiosk_epoch: string | null
}

/** One row, rewritten by the probe that asks whether the database still takes writes. */
export interface HeartbeatRow {
  id: number
  beat_at: string
}

/** Shows that a keyring is the one the data was sealed with, and tells nothing else of it. */
export interface KeyringProofRow {
  name: string
  proof: string
}

/** On PostgreSQL alone: what instances count together. */
export interface HitRow {
  key: string
  count: number
  ends_at: Date
}

/** A chain: rows are only ever added at its end, and removed at its beginning. */
export interface AuditEventRow {
  seq: number
  at: string
  action: string
  actor: string
  subject: string
  /** JSON object. */
  details: string
  /** Keyed hash of this row and the chain value of the row before. */
  chain: string
}

/** Where the chain begins and ends, each with a keyed proof: see audit/chain.ts. */
export interface AuditEndRow {
  place: 'start' | 'end'
  seq: number
  chain: string
  proof: string
}

/** What an integration shows to be let in. */
export interface ClientSecretRow {
  id: Generated<number>
  name: string
  /** Blind index of the secret. */
  secret_index: string
  created_at: string
  /** To the hour. */
  last_used_at: string | null
  revoked_at: string | null
}
