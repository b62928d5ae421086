import type { AuditEventRow, Tx } from '../database/schema.ts'

/** Where the chain ends: the next number and the last row's value. */
export async function chainEnd(tx: Tx): Promise<{ seq: number; chain: string }> {
  const last = await tx
    .selectFrom('audit_events')
    .select(['seq', 'chain'])
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last ?? { seq: 0, chain: '' }
}

export async function appendEvent(tx: Tx, row: AuditEventRow): Promise<void> {
  await tx.insertInto('audit_events').values(row).execute()
}
