import type { ApiUserFailureRow } from '../../../database/rows/digital-registry.ts'
import type { Db, Tx } from '../../../database/schema.ts'

export function findFailures(db: Db, key: string): Promise<ApiUserFailureRow | undefined> {
  return db.selectFrom('api_user_failures').selectAll().where('key', '=', key).executeTakeFirst()
}

export async function keepFailures(tx: Tx, { key, ...row }: ApiUserFailureRow): Promise<void> {
  await tx
    .insertInto('api_user_failures')
    .values({ key, ...row })
    .onConflict((conflict) => conflict.column('key').doUpdateSet(row))
    .execute()
}

export async function clearFailures(tx: Tx, key: string): Promise<void> {
  await tx.deleteFrom('api_user_failures').where('key', '=', key).execute()
}

/** Whoever guesses names leaves a row for each: those that count no more go. */
export async function forgetFailures(tx: Tx, now: string): Promise<void> {
  await tx.deleteFrom('api_user_failures').where('forget_at', '<', now).execute()
}
