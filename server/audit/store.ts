import type { AuditEventRow } from '../database/rows/platform.ts'
import type { Db, Tx } from '../database/schema.ts'
import { type End, type Link, nothing, type Place, type Unchained } from './chain.ts'

export async function findEnds(db: Db): Promise<Record<Place, End>> {
  const rows = await db.selectFrom('audit_ends').select(['place', 'seq', 'chain', 'proof']).execute()
  const at = (wanted: Place): End => rows.find(({ place }) => place === wanted) ?? nothing
  return { start: at('start'), end: at('end') }
}

export async function setEnd(tx: Tx, place: Place, { seq, chain, proof }: End): Promise<void> {
  await tx
    .insertInto('audit_ends')
    .values({ place, seq, chain, proof })
    .onConflict((conflict) => conflict.column('place').doUpdateSet({ seq, chain, proof }))
    .execute()
}

/** The number of the last row there is, 0 for none. */
export async function lastSeq(tx: Tx): Promise<number> {
  const last = await tx
    .selectFrom('audit_events')
    .select('seq')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last?.seq ?? 0
}

export async function appendEvents(tx: Tx, rows: AuditEventRow[]): Promise<void> {
  await tx.insertInto('audit_events').values(rows).execute()
}

/** At most `limit` rows behind `seq`, in order. */
export async function eventsAfter(db: Db, seq: number, limit: number): Promise<AuditEventRow[]> {
  return db
    .selectFrom('audit_events')
    .selectAll()
    .where('seq', '>', seq)
    .orderBy('seq')
    .limit(limit)
    .execute()
}

export async function removeEventsThrough(tx: Tx, { seq }: Link): Promise<void> {
  await tx.deleteFrom('audit_events').where('seq', '<=', seq).execute()
}

/** The newest `limit` events since `since` (ISO 8601), oldest first. */
export async function newestEvents(db: Db, since: string, limit: number): Promise<Unchained[]> {
  const rows = await db
    .selectFrom('audit_events')
    .select(['seq', 'at', 'action', 'actor', 'subject', 'details'])
    .where('at', '>=', since)
    .orderBy('seq', 'desc')
    .limit(limit)
    .execute()
  return rows.reverse()
}
