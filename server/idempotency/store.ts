import type { Tx } from '../database/schema.ts'

export interface KeptAnswer {
  status: number
  /** JSON text as it was sent. */
  body: string
}

/** The answer kept for a key, with the hash of the body it answered. */
export async function findKey(
  tx: Tx,
  scope: string,
  key: string,
): Promise<(KeptAnswer & { requestHash: string }) | undefined> {
  return tx
    .selectFrom('idempotency_keys')
    .select(['status', 'body', 'request_hash as requestHash'])
    .where('scope', '=', scope)
    .where('key', '=', key)
    .executeTakeFirst()
}

export async function keepKey(
  tx: Tx,
  scope: string,
  key: string,
  requestHash: string,
  answer: KeptAnswer,
  at: string,
): Promise<void> {
  await tx
    .insertInto('idempotency_keys')
    .values({ scope, key, request_hash: requestHash, ...answer, created_at: at })
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
