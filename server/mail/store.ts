import type { ExpressionBuilder, ExpressionWrapper, Selectable, SqlBool } from 'kysely'
import { lock } from '../database/locks.ts'
import type { MailRow } from '../database/rows/mail.ts'
import type { Db, Schema, Tx } from '../database/schema.ts'

/** `content` is sealed. */
export async function insertMail(
  tx: Tx,
  { messageId, content, at, giveUpAt }: { messageId: string; content: string; at: string; giveUpAt: string },
): Promise<void> {
  await tx
    .insertInto('mails')
    .values({
      message_id: messageId,
      content,
      state: 'pending',
      attempts: 0,
      due_at: at,
      give_up_at: giveUpAt,
      queued_at: at,
    })
    .execute()
}

/** A mail that is this instance's to send until its lease ends. */
export interface ClaimedMail {
  id: number
  messageId: string
  /** Sealed. */
  content: string | null
  /** This one included. */
  attempts: number
  leasedUntil: string
  giveUpAt: string
  queuedAt: string
}

/** Leases the mails that have been due longest and that nobody holds. */
export async function claimMails(
  tx: Tx,
  { now, leaseUntil, limit }: { now: string; leaseUntil: string; limit: number },
): Promise<ClaimedMail[]> {
  // Claims are short: instances take turns, so no two of them see the same mail free.
  await lock(tx, ['mails'])
  const due = await tx
    .selectFrom('mails')
    .select('id')
    .where('state', '=', 'pending')
    .where('due_at', '<=', now)
    .where(isFree(now))
    .orderBy('due_at')
    .orderBy('id')
    .limit(limit)
    .execute()
  if (due.length === 0) return []
  const claimed = await tx
    .updateTable('mails')
    .set((eb) => ({ leased_until: leaseUntil, attempts: eb('attempts', '+', 1) }))
    .where(
      'id',
      'in',
      due.map(({ id }) => id),
    )
    .returning(['id', 'message_id', 'content', 'attempts', 'give_up_at', 'queued_at'])
    .execute()
  return claimed.map(({ message_id, give_up_at, queued_at, ...rest }) => ({
    ...rest,
    messageId: message_id,
    leasedUntil: leaseUntil,
    giveUpAt: give_up_at,
    queuedAt: queued_at,
  }))
}

/** The mail has left: its content goes. Also when the lease has run out meanwhile, so that nobody sends it again. */
export async function markSent(tx: Tx, id: number, at: string): Promise<void> {
  await tx
    .updateTable('mails')
    .set({
      state: 'sent',
      content: null,
      leased_until: null,
      last_error: null,
      last_reply: null,
      settled_at: at,
    })
    .where('id', '=', id)
    .execute()
}

/** What came of a mail that has not left. */
export interface Failure {
  error: string
  reply: string | undefined
  /** When it is tried again; undefined for never. */
  dueAt: string | undefined
  at: string
}

/** Gives the mail back, or up. Changes nothing once another instance has taken the mail over. */
export async function markFailed(
  tx: Tx,
  { id, leasedUntil }: Pick<ClaimedMail, 'id' | 'leasedUntil'>,
  { error, reply, dueAt, at }: Failure,
): Promise<void> {
  await tx
    .updateTable('mails')
    .set({
      leased_until: null,
      last_error: error,
      last_reply: reply ?? null,
      ...(dueAt === undefined ? { state: 'dead' as const, settled_at: at } : { due_at: dueAt }),
    })
    .where('id', '=', id)
    .where('state', '=', 'pending')
    .where('leased_until', '=', leasedUntil)
    .execute()
}

/** Gives up the mails whose time is over and answers how many. */
export async function giveUpOverdue(tx: Tx, error: string, now: string): Promise<number> {
  const { numUpdatedRows } = await tx
    .updateTable('mails')
    .set({ state: 'dead', settled_at: now, leased_until: null, last_error: error, last_reply: null })
    .where('state', '=', 'pending')
    .where('give_up_at', '<=', now)
    .where(isFree(now))
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

/** Ends every lease: for the one server of an embedded database, whose leases died with the process before. */
export async function endLeases(tx: Tx): Promise<void> {
  await tx
    .updateTable('mails')
    .set({ leased_until: null })
    .where('state', '=', 'pending')
    .where('leased_until', 'is not', null)
    .execute()
}

/** Forgets mails that left before then and says how many. */
export async function forgetSent(tx: Tx, before: string): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('mails')
    .where('state', '=', 'sent')
    .where('settled_at', '<', before)
    .executeTakeFirst()
  return Number(numDeletedRows)
}

export type StoredMail = Selectable<MailRow>

/** Newest first. */
export function listMails(
  db: Db,
  { state, limit }: { state: StoredMail['state'] | undefined; limit: number },
): Promise<StoredMail[]> {
  let mails = db.selectFrom('mails').selectAll().orderBy('id', 'desc').limit(limit)
  if (state !== undefined) mails = mails.where('state', '=', state)
  return mails.execute()
}

export function findMail(db: Db, id: number): Promise<StoredMail | undefined> {
  return db.selectFrom('mails').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Makes one dead letter, or all of them, due as if just queued, and answers which. */
export async function reviveMails(
  tx: Tx,
  { id, now, giveUpAt }: { id: number | undefined; now: string; giveUpAt: string },
): Promise<number[]> {
  let dead = tx.updateTable('mails').where('state', '=', 'dead')
  if (id !== undefined) dead = dead.where('id', '=', id)
  const revived = await dead
    .set({ state: 'pending', attempts: 0, due_at: now, give_up_at: giveUpAt, settled_at: null })
    .returning('id')
    .execute()
  return revived.map((row) => row.id)
}

/** Removes a mail that has not left and is not leaving just now; answers whether there was such a one. */
export async function discardMail(tx: Tx, id: number, now: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('mails')
    .where('id', '=', id)
    .where('state', '<>', 'sent')
    .where(isFree(now))
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** Counts of what has not left. */
export async function countWaiting(
  db: Db,
): Promise<{ pending: number; dead: number; oldestPendingAt: string | null }> {
  const counted = await db
    .selectFrom('mails')
    .select(({ fn }) => ['state', fn.countAll().as('count'), fn.min('queued_at').as('oldest')])
    .where('state', 'in', ['pending', 'dead'])
    .groupBy('state')
    .execute()
  const of = (state: string) => counted.find((row) => row.state === state)
  return {
    pending: Number(of('pending')?.count ?? 0),
    dead: Number(of('dead')?.count ?? 0),
    oldestPendingAt: of('pending')?.oldest ?? null,
  }
}

function isFree(now: string) {
  return (eb: ExpressionBuilder<Schema, 'mails'>): ExpressionWrapper<Schema, 'mails', SqlBool> =>
    eb.or([eb('leased_until', 'is', null), eb('leased_until', '<=', now)])
}
