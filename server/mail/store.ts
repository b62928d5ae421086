import type { Tx } from '../database/schema.ts'

/** `content` is sealed. */
export async function insertMail(tx: Tx, messageId: string, content: string, at: string): Promise<void> {
  await tx
    .insertInto('mails')
    .values({ message_id: messageId, content, state: 'pending', attempts: 0, due_at: at, queued_at: at })
    .execute()
}
