import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Core } from '../core.ts'
import { later, type Mail, openMail, triedForMs } from './mailbox.ts'
import { discardMail, findMail, listMails, reviveMails, type StoredMail } from './store.ts'

/** A mail as staff see it: nothing of it tells who it is for. */
export interface MailEntry {
  id: number
  messageId: string
  state: StoredMail['state']
  attempts: number
  queuedAt: string
  /** When it is tried next; null once it is settled. */
  dueAt: string | null
  /** When it left or was given up. */
  settledAt: string | null
  /** An error code. */
  lastError: string | null
  /** Numbers of the mail server's answer. */
  lastReply: string | null
}

/** What staff can do with mails. */
export interface MailDesk {
  /** Newest first. */
  list(state: StoredMail['state'] | undefined, limit: number): Promise<MailEntry[]>
  /** Throws `mail-unknown`. */
  show(id: number): Promise<MailEntry>
  /** With address and content, null once they are gone; audited. Throws `mail-unknown`. */
  reveal(id: number): Promise<MailEntry & { mail: Mail | null }>
  /** Sends a dead letter, or all of them, again, and answers how many. Throws `mail-unknown` or `mail-settled`. */
  retry(id: number | 'all'): Promise<number>
  /** Removes a mail that has not left. Throws `mail-unknown` or `mail-settled`. */
  discard(id: number, reason: string): Promise<void>
}

const actor = 'operator'

export function createMailDesk(
  { database, vault, audit }: Pick<Core, 'database' | 'vault' | 'audit'>,
  clock: Clock,
): MailDesk {
  const find = async (id: number): Promise<StoredMail> => {
    const found = await database.query((db) => findMail(db, id))
    if (found === undefined) throw new AppError('mail-unknown', `there is no mail ${String(id)}`)
    return found
  }
  return {
    list: async (state, limit) =>
      (await database.query((db) => listMails(db, { state, limit }))).map(entryOf),
    show: async (id) => entryOf(await find(id)),
    async reveal(id) {
      const found = await find(id)
      await database.transact((tx) =>
        audit.record(tx, { action: 'mail-revealed', actor, subject: `mail ${String(id)}` }),
      )
      const mail = openMail(vault, { messageId: found.message_id, content: found.content })
      return { ...entryOf(found), mail: mail ?? null }
    },
    async retry(id) {
      const now = clock.now()
      const one = id === 'all' ? undefined : id
      const revived = await database.transact(async (tx) => {
        const ids = await reviveMails(tx, { id: one, now, giveUpAt: later(now, triedForMs) })
        if (ids.length > 0) {
          const subject = one === undefined ? 'dead letters' : `mail ${String(one)}`
          await audit.record(tx, { action: 'mail-retried', actor, subject, details: { mails: ids.length } })
        }
        return ids.length
      })
      if (revived === 0 && one !== undefined) {
        const { state } = await find(one)
        throw new AppError('mail-settled', `mail ${String(one)} is ${state}`)
      }
      return revived
    },
    async discard(id, reason) {
      const discarded = await database.transact(async (tx) => {
        if (!(await discardMail(tx, id, clock.now()))) return false
        const subject = `mail ${String(id)}`
        await audit.record(tx, { action: 'mail-discarded', actor, subject, details: { reason } })
        return true
      })
      if (discarded) return
      const { state } = await find(id)
      throw new AppError(
        'mail-settled',
        `mail ${String(id)} ${state === 'sent' ? 'is sent' : 'is being sent'}`,
      )
    },
  }
}

function entryOf(stored: StoredMail): MailEntry {
  const { id, state, attempts } = stored
  return {
    id,
    messageId: stored.message_id,
    state,
    attempts,
    queuedAt: stored.queued_at,
    dueAt: state === 'pending' ? stored.due_at : null,
    settledAt: stored.settled_at,
    lastError: stored.last_error,
    lastReply: stored.last_reply,
  }
}
