import type { Tx } from '../database/schema.ts'

/** An answer, sealed, with the blind index of the body it answered. */
export interface KeptKey {
  scope: string
  key: string
  requestIndex: string
  answer: string
  subject: string | null
}

export async function findKey(
  tx: Tx,
  scope: string,
  key: string,
): Promise<Pick<KeptKey, 'requestIndex' | 'answer'> | undefined> {
  return tx
    .selectFrom('idempotency_keys')
    .select(['answer', 'request_index as requestIndex'])
    .where('scope', '=', scope)
    .where('key', '=', key)
    .executeTakeFirst()
}

export async function keepKey(
  tx: Tx,
  { scope, key, requestIndex, answer, subject }: KeptKey,
  at: string,
): Promise<void> {
  await tx
    .insertInto('idempotency_keys')
    .values({ scope, key, request_index: requestIndex, answer, created_at: at, subject })
    .execute()
}

/** Forgets answers kept before `before` (ISO 8601) and says how many. */
export async function forgetKeys(tx: Tx, before: string): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('idempotency_keys')
    .where('created_at', '<', before)
    .executeTakeFirst()
  return Number(numDeletedRows)
}
