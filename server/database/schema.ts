import type { Generated, Kysely, Transaction } from 'kysely'

/** Numbers of 64 bits are decimal text, times ISO 8601 UTC text, truth 0 or 1: the same on every engine. */
export interface Schema {
  clients: ClientRow
  cards: CardRow
  consents: ConsentRow
  staff_cases: StaffCaseRow
  idempotency_keys: IdempotencyKeyRow
  heartbeat: HeartbeatRow
}

export interface ClientRow {
  id: Generated<number>
  codigo_cliente_vlt: string
  correo: string
  tipo_documento: string | null
  dni: string | null
  nombre: string | null
  apellido_paterno: string | null
  apellido_materno: string | null
  /** The day and time as sent: the zone is never applied, the day never shifts. */
  fecha_nacimiento: string | null
  direccion: string | null
  telefono: string | null
  ubigeo: string | null
  sexo: string | null
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
  /** SHA-256 of the request body, hex. */
  request_hash: string
  status: number
  body: string
  created_at: string
}

/** One row, rewritten by the probe that asks whether the database still takes writes. */
export interface HeartbeatRow {
  id: number
  beat_at: string
}

export type Engine = 'sqlite' | 'postgres'
export type Db = Kysely<Schema>
export type Tx = Transaction<Schema>
