import type { Generated, Kysely, Transaction } from 'kysely'

/**
 * Numbers of 64 bits are decimal text, times ISO 8601 UTC text, truth 0 or 1: the same on every engine. Personal data
 * is sealed by the vault (security/vault.ts), and found by blind indexes.
 */
export interface Schema {
  clients: ClientRow
  cards: CardRow
  consents: ConsentRow
  staff_cases: StaffCaseRow
  idempotency_keys: IdempotencyKeyRow
  heartbeat: HeartbeatRow
  keyring_proofs: KeyringProofRow
  hits: HitRow
  audit_events: AuditEventRow
  mails: MailRow
}

export interface ClientRow {
  id: Generated<number>
  codigo_cliente_vlt: string
  tipo_documento: string | null
  /** Blind index of the document number. */
  dni_index: string | null
  /** What the registration said of the person, sealed JSON: see systems/vlt-clients/store.ts. */
  personal: string
  active_card_uid: string
  created_at: string
}

export interface CardRow {
  /** Canonical: see shared/card-uid.ts. */
  uid: string
  client_id: number
  /** As the kiosk sent it. */
  tarjeta: string
  registered_at: string
}

export const consentChannels = ['whatsapp', 'email', 'sms'] as const

/** A ledger: the newest entry of a channel holds. Rows are never changed or removed. */
export interface ConsentRow {
  id: Generated<number>
  client_id: number
  channel: (typeof consentChannels)[number]
  granted: 0 | 1
  /** The system that took the consent. */
  source: string
  card_uid: string | null
  recorded_at: string
}

export interface StaffCaseRow {
  id: Generated<number>
  kind: 'identity-conflict' | 'card-conflict'
  client_id: number
  other_client_id: number | null
  claimed_codigo: string
  card_uid: string
  opened_at: string
  closed_at: string | null
}

export interface IdempotencyKeyRow {
  scope: string
  key: string
  /** Blind index of the request body. */
  request_index: string
  /** Sealed JSON of the answer. */
  answer: string
  created_at: string
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

export interface MailRow {
  id: Generated<number>
  /** Of the mail's Message-ID header: what makes a second delivery recognisable. */
  message_id: string
  /** Sealed JSON of the mail; null once it has left. */
  content: string | null
  state: 'pending' | 'sent' | 'dead'
  attempts: number
  due_at: string
  /** Until then one instance alone may send it. */
  leased_until: string | null
  /** An error code. */
  last_error: string | null
  queued_at: string
  settled_at: string | null
}

export type Engine = 'sqlite' | 'postgres'
export type Db = Kysely<Schema>
export type Tx = Transaction<Schema>

/**
 * Runs `work` in a transaction; what it returns is on disk when the promise resolves. The work may run again after
 * a conflict, so it changes nothing but the database, and waits for nothing else.
 */
export type Transact = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>
