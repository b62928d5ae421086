import { randomUUID } from 'node:crypto'
import type { Clock } from '../../shared/clock.ts'
import { afterCommit } from '../database/after-commit.ts'
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
  /** Calls `listener` whenever a mail that this process queued is there to be sent. */
  onQueued(listener: () => void): void
}

/** How long a mail is tried. */
export const triedForMs = 3 * 24 * 60 * 60 * 1000

/** The outbox of mails. Address and content are sealed until the mail has left, and gone after. */
export function createMailbox(vault: Vault, clock: Clock): Mailbox {
  const listeners: (() => void)[] = []
  const tell = (): void => {
    for (const listener of listeners) listener()
  }
  return {
    async queue(tx, mail) {
      const messageId = randomUUID()
      const content = vault.seal(mailPurpose(messageId), JSON.stringify(mail))
      await insertMail(tx, { messageId, content, at: clock.now(), giveUpAt: later(clock.now(), triedForMs) })
      afterCommit(tx, tell)
    },
    onQueued(listener) {
      listeners.push(listener)
    },
  }
}

/** The mail a row holds, or undefined where it holds none that these keys open. */
export function openMail(
  vault: Vault,
  { messageId, content }: { messageId: string; content: string | null },
): Mail | undefined {
  if (content === null) return undefined
  try {
    return JSON.parse(vault.open(mailPurpose(messageId), content)) as Mail
  } catch {
    return undefined
  }
}

/** What the sealed content of a mail is bound to. */
export function mailPurpose(messageId: string): string {
  return `mails:${messageId}`
}

/** A time of the clock, so many milliseconds on. */
export function later(at: string, ms: number): string {
  return new Date(Date.parse(at) + ms).toISOString()
}
