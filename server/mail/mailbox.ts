import { randomUUID } from 'node:crypto'
import type { Clock } from '../../shared/clock.ts'
import type { Tx } from '../database/schema.ts'
import type { Vault } from '../security/vault.ts'
import { insertMail } from './store.ts'

export interface Mail {
  to: string
  subject: string
  text: string
  html: string
}

export interface Mailbox {
  /** Writes the mail to the outbox in the caller's transaction: it leaves if, and only if, that commits. */
  queue(tx: Tx, mail: Mail): Promise<void>
}

/** The outbox of mails. Address and content are sealed until the mail has left, and gone after. */
export function createMailbox(vault: Vault, clock: Clock): Mailbox {
  return {
    queue(tx, mail) {
      const messageId = randomUUID()
      return insertMail(tx, messageId, vault.seal(mailPurpose(messageId), JSON.stringify(mail)), clock.now())
    },
  }
}

/** What the sealed content of a mail is bound to. */
export function mailPurpose(messageId: string): string {
  return `mails:${messageId}`
}
