import type { MailRow } from '../database/rows/mail.ts'
import type { IdempotencyKeyRow } from '../database/rows/platform.ts'
import type { Db, Tx } from '../database/schema.ts'

export type WaitingMail = Pick<MailRow, 'message_id' | 'content' | 'state' | 'queued_at'> & { id: number }

/** Mails that have not left, behind the id `after`. */
export async function waitingMails(db: Db, after: number, limit: number): Promise<WaitingMail[]> {
  return db
    .selectFrom('mails')
    .select(['id', 'message_id', 'content', 'state', 'queued_at'])
    .where('content', 'is not', null)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
}

export async function removeMail(tx: Tx, id: number): Promise<void> {
  await tx.deleteFrom('mails').where('id', '=', id).execute()
}

export async function answersAbout(db: Db, subject: string): Promise<IdempotencyKeyRow[]> {
  return db
    .selectFrom('idempotency_keys')
    .selectAll()
    .where('subject', '=', subject)
    .orderBy('created_at')
    .execute()
}

export async function removeAnswersAbout(tx: Tx, subject: string): Promise<void> {
  await tx.deleteFrom('idempotency_keys').where('subject', '=', subject).execute()
}
