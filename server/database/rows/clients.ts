import type { Generated } from 'kysely'

export interface ClientRow {
  id: Generated<number>
  codigo_cliente_vlt: string
  tipo_documento: string | null
  /** Blind index of the document number. */
  dni_index: string | null
  /** What the registration said of the person, sealed JSON: see systems/vlt-clients/person.ts. Empty once erased. */
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
  /** Version of the text that the person saw; null where it was not told. */
  consent_text: string | null
  recorded_at: string
}

export interface StaffCaseRow {
  id: Generated<number>
  kind: 'identity-conflict' | 'card-conflict' | 'kiosk-cloned' | 'kiosk-gap'
  /** The first four are of conflicts; those of kiosks have the last two instead. */
  client_id: number | null
  other_client_id: number | null
  claimed_codigo: string | null
  card_uid: string | null
  kiosk_id: number | null
  /** JSON: figures and codes, never personal data. */
  details: string | null
  opened_at: string
  closed_at: string | null
}
