import type { Generated } from 'kysely'

export interface CustomerAccountRow {
  id: Generated<number>
  /** Blind index of the address, case folded. */
  email_index: string
  /** Blind index of the document number, letters and digits alone. */
  document_index: string
  /** What the customer said of themselves, sealed JSON: see systems/customer-accounts/account.ts. */
  profile: string
  password_hash: string
  created_at: string
}

/** What was tried of late: registrations under way and their limits, failed logins. Nothing here names a person. */
export interface CustomerAttemptRow {
  /** `registration`, `login-pair`, `login-address` or `login-network`, and a blind index of address or client network. */
  key: string
  /** JSON: see systems/customer-accounts/registration.ts and login.ts. */
  state: string
  forget_at: string
}
