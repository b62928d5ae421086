import { prepared } from '../database/prepared.ts'
import type { Db, Tx } from '../database/schema.ts'

/** An answer, sealed, with the blind index of the body it answered. */
export interface KeptKey {
  scope: string
  key: string
  requestIndex: string
  answer: string
  subject: string | null
  kioskId: number | null
  epoch: string | null
}

/** Whose count of registrations it is: a kiosk's, for one outbox of its. */
export interface Counter {
  kioskId: number
  epoch: string
}

export async function findKey(
  db: Db,
  scope: string,
  key: string,
): Promise<Pick<KeptKey, 'requestIndex' | 'answer' | 'kioskId' | 'epoch'> | undefined> {
  const [found] = await selectKey.run(db, { scope, key })
  return found
}

const selectKey = prepared<Pick<KeptKey, 'scope' | 'key'>>()((db, value) =>
  db
    .selectFrom('idempotency_keys')
    .select([
      ...(['answer', 'request_index as requestIndex'] as const),
      ...(['kiosk_id as kioskId', 'kiosk_epoch as epoch'] as const),
    ])
    .where('scope', '=', value('scope'))
    .where('key', '=', value('key')),
)

/** With the end of the work. */
export function keepKey(tx: Tx, kept: KeptKey, at: string): void {
  insertKey.trail(tx, { ...kept, at })
}

const insertKey = prepared<KeptKey & { at: string }>()((db, value) =>
  db.insertInto('idempotency_keys').values({
    scope: value('scope'),
    key: value('key'),
    request_index: value('requestIndex'),
    answer: value('answer'),
    created_at: value('at'),
    subject: value('subject'),
    kiosk_id: value('kioskId'),
    kiosk_epoch: value('epoch'),
  }),
)

/** Notes a key that was done before in this count; false where it is in it already. */
export async function countRepetition(
  tx: Tx,
  scope: string,
  key: string,
  { kioskId, epoch }: Counter,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('kiosk_repetitions')
    .values({ scope, key, kiosk_id: kioskId, epoch })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
}

/** Forgets answers kept before `before` (ISO 8601) and says how many. */
export async function forgetKeys(tx: Tx, before: string): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('idempotency_keys')
    .where('created_at', '<', before)
    .executeTakeFirst()
  return Number(numDeletedRows)
}
