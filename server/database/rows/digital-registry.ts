import type { Generated } from 'kysely'

/** An organisation that registers people over the digital registry. */
export interface EntityRow {
  id: Generated<number>
  name: string
  active: 0 | 1
  created_at: string
}

export interface ApiUserRow {
  id: Generated<number>
  entity_id: number
  /** Blind index of the username, which is a document number. */
  username_index: string
  /** Sealed. */
  username: string
  password_hash: string
  api_access: 0 | 1
  active: 0 | 1
  created_at: string
}

/** How often a username was refused in a row for one client network, known or not. */
export interface ApiUserFailureRow {
  /** Blind index of network and username. */
  key: string
  failures: number
  next_try_at: string
  forget_at: string
}

export interface DigitalRegistrationRow {
  id: Generated<number>
  /** Blind index of the Codigo, which opens the page to whoever has it. */
  code_index: string
  api_user_id: number
  /** Blind index of the document number. */
  dni_index: string
  /** Sealed JSON: see systems/digital-registry/registration.ts. */
  personal: string
  state: 'generado' | 'iniciado' | 'completado'
  /** Wrong document numbers typed on the page. */
  wrong_proofs: number
  created_at: string
  started_at: string | null
  completed_at: string | null
}

/** What a person accepted on the page. Rows are never changed or removed. */
export interface DigitalConsentRow {
  id: Generated<number>
  registration_id: number
  wording_version: string
  language: 'es' | 'en'
  wording: string
  accepted_at: string
}
