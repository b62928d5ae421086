import type { Clock } from '../../shared/clock.ts'
import { lock } from '../database/locks.ts'
import type { Tx } from '../database/schema.ts'
import type { Vault } from '../security/vault.ts'
import { appendEvent, chainEnd } from './store.ts'

/** What staff and security people ask about later. Never personal data: ids, codes and counts alone. */
export interface AuditEvent {
  /** Stable kebab text, such as `api-user-blocked`. */
  action: string
  /** Who did it: `operator`, `client-secret 3`, `api-user 7`, `anonymous`, `server`. */
  actor: string
  /** What it was done to: `entity 4`, `client 70`. */
  subject: string
  details?: Record<string, string | number | boolean>
}

export interface Audit {
  /** Appends to the chain in the caller's transaction, as its last step: it locks the end of the chain. */
  record(tx: Tx, event: AuditEvent): Promise<void>
  /**
   * For what strangers can cause at will, such as wrong passwords: counted in memory and written as one event per
   * action, subject and minute, so that an attack cannot fill the disk.
   */
  tally(event: Omit<AuditEvent, 'details'>): void
}

/** The audit trail: every row's chain value is a keyed hash of the row and of the value before it. */
export function createAudit(vault: Vault, clock: Clock): Audit {
  return {
    async record(tx, { action, actor, subject, details = {} }) {
      await lock(tx, ['audit'])
      const end = await chainEnd(tx)
      const row = {
        seq: end.seq + 1,
        at: clock.now(),
        action,
        actor,
        subject,
        details: JSON.stringify(details),
      }
      await appendEvent(tx, { ...row, chain: vault.index('audit', end.chain + JSON.stringify(row)) })
    },
    tally() {
      throw new Error('not yet')
    },
  }
}
