import type { Tx } from '../database/schema.ts'
import type { Vault } from '../security/vault.ts'

/** What one system holds of one person. */
export interface Holding {
  /** For the audit trail, and as kept answers name it: `client 70`. */
  subject: string
  /** All of it, as JSON for the person. */
  held: Record<string, unknown>
  /** E-mail addresses of the person. */
  addresses: string[]
  /**
   * Removes it, in the transaction that found it, and answers the sealed texts and keyed hashes that went: none where
   * the person was erased before.
   */
  erase: (at: string) => Promise<string[]>
}

// Of the id columns.
const maxId = 2 ** 31 - 1

/** An id as an operator types it, or 0, which nobody has. */
export function idOf(text: string): number {
  const id = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0
  return id <= maxId ? id : 0
}

/** Looks for a person by what an operator types; what it finds stays as it is until the end of the transaction. */
export type FindHolding = (tx: Tx, vault: Vault, id: string) => Promise<Holding | undefined>
