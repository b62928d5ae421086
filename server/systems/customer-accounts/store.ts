import { tryLock } from '../../database/locks.ts'
import type { Selectable } from 'kysely'
import type { CustomerAccountRow, CustomerAttemptRow } from '../../database/rows/customer-accounts.ts'
import type { Db, Tx } from '../../database/schema.ts'

/** JSON of what was tried under these keys. */
export async function findAttempts(db: Db, keys: string[]): Promise<Map<string, string>> {
  const rows = await db
    .selectFrom('customer_attempts')
    .select(['key', 'state'])
    .where('key', 'in', keys)
    .execute()
  return new Map(rows.map(({ key, state }) => [key, state]))
}

export async function saveAttempts(tx: Tx, attempts: CustomerAttemptRow[]): Promise<void> {
  await tx
    .insertInto('customer_attempts')
    .values(attempts)
    .onConflict((conflict) =>
      conflict.column('key').doUpdateSet((row) => ({
        state: row.ref('excluded.state'),
        forget_at: row.ref('excluded.forget_at'),
      })),
    )
    .execute()
}

export async function clearAttempts(tx: Tx, keys: string[]): Promise<void> {
  await tx.deleteFrom('customer_attempts').where('key', 'in', keys).execute()
}

// Twice as many as can come with one save would do; more lets a flood of long ago go quickly.
const forgottenAtOnce = 50

/** To be called where rows are added: removes some that no longer matter, so that the table stays bounded. */
export async function forgetAttempts(tx: Tx, now: string): Promise<void> {
  // One instance at a time, so that two that forget never wait for each other's rows.
  if (!(await tryLock(tx, 'customer-attempts'))) return
  await tx
    .deleteFrom('customer_attempts')
    // Once more for the row itself, which another transaction may have brought back to life.
    .where('forget_at', '<=', now)
    .where('key', 'in', (over) =>
      over.selectFrom('customer_attempts').select('key').where('forget_at', '<=', now).limit(forgottenAtOnce),
    )
    .execute()
}

/** Ids of the accounts that have this address and this document number. */
export async function findOwners(
  db: Db,
  { emailIndex, documentIndex }: { emailIndex: string; documentIndex: string },
): Promise<{ email: number | undefined; document: number | undefined }> {
  const { email, document } = await db
    .selectNoFrom([
      db.selectFrom('customer_accounts').select('id').where('email_index', '=', emailIndex).as('email'),
      db
        .selectFrom('customer_accounts')
        .select('id')
        .where('document_index', '=', documentIndex)
        .as('document'),
    ])
    .executeTakeFirstOrThrow()
  return { email: email ?? undefined, document: document ?? undefined }
}

export type NewAccount = Omit<CustomerAccountRow, 'id'>

/** Answers the new account's id. `profile` is sealed. */
export async function insertAccount(tx: Tx, account: NewAccount): Promise<number> {
  const { id } = await tx
    .insertInto('customer_accounts')
    .values(account)
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

export interface FoundAccount {
  id: number
  /** Sealed. */
  profile: string
  passwordHash: string
}

export function findAccount(db: Db, emailIndex: string): Promise<FoundAccount | undefined> {
  return db
    .selectFrom('customer_accounts')
    .select(['id', 'profile', 'password_hash as passwordHash'])
    .where('email_index', '=', emailIndex)
    .executeTakeFirst()
}

/** Replaces the hash unless somebody else has done so since. */
export async function renewPasswordHash(
  tx: Tx,
  { id, passwordHash }: Pick<FoundAccount, 'id' | 'passwordHash'>,
  renewed: string,
): Promise<void> {
  await tx
    .updateTable('customer_accounts')
    .set({ password_hash: renewed })
    .where('id', '=', id)
    .where('password_hash', '=', passwordHash)
    .execute()
}

export function findWholeAccount(db: Db, id: number): Promise<Selectable<CustomerAccountRow> | undefined> {
  return db.selectFrom('customer_accounts').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Leaves an account that is nobody's. */
export async function forgetAccount(tx: Tx, id: number): Promise<void> {
  // No address and no document number has an index like these.
  const nobody = `erased ${String(id)}`
  await tx
    .updateTable('customer_accounts')
    .set({ email_index: nobody, document_index: nobody, profile: '', password_hash: '' })
    .where('id', '=', id)
    .execute()
}
