import type { Generated } from 'kysely'

/** Entries are never removed, because accounts may refer to them; nobody new may once they are not active. */
export interface CatalogueRow {
  id: number
  name: string
  active: 0 | 1
}

export interface RoleRow extends CatalogueRow {
  /** Only staff can give it. */
  privileged: 0 | 1
  /** Whoever registers may choose it. */
  self_registration: 0 | 1
  /** One row's: what accounts get that may not have what they asked for. */
  is_default: 0 | 1
}

export interface UserAccountRow {
  id: Generated<number>
  /** Blind indexes of the folded login and e-mail address. */
  login_index: string
  correo_index: string
  /** What the registration said of the person, sealed JSON: see systems/user-accounts/person.ts. */
  personal: string
  password_hash: string
  departamento_id: number
  role_id: number
  licencia_tipo: number | null
  created_at: string
}

/** A role that an account asked for and only staff can give. */
export interface RoleRequestRow {
  id: Generated<number>
  account_id: number
  role_id: number
  state: 'pending' | 'approved' | 'rejected'
  requested_at: string
  settled_at: string | null
}

/** Days are calendar days in America/Guatemala, `YYYY-MM-DD`. */
export interface LicenceReminderRow {
  id: Generated<number>
  account_id: number
  due_on: string
  expires_on: string
  /** Skipped: a nearer one was due, or the licence over, before it could leave. Failed: the account cannot be read. */
  state: 'planned' | 'sent' | 'skipped' | 'failed'
  settled_at: string | null
}
