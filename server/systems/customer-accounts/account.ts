import type { CustomerProfile } from '../../../shared/contracts/customer-accounts.ts'
import type { Vault } from '../../security/vault.ts'

/** The profile without the password; keys are those of the wire. */
export type KeptProfile = Omit<CustomerProfile, 'password'>

/** Blind index of an address in the form that the contract gives it. */
export function emailIndex(vault: Vault, email: string): string {
  return vault.index('customer_accounts.email', email)
}

/** Blind index of a document number, however it is punctuated and cased. */
export function documentIndex(vault: Vault, number: string): string {
  const bare = number
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
  return vault.index('customer_accounts.document', bare)
}

/** What the sealed profile of an account is bound to. */
export function profilePurpose(emailIndex: string): string {
  return `customer_accounts:${emailIndex}`
}

/** As the audit trail and kept answers name an account. */
export function accountSubject(id: number): string {
  return `customer-account ${String(id)}`
}
