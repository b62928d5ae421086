import type { ClientSecretRow } from '../database/rows/platform.ts'
import type { Db, Tx } from '../database/schema.ts'

/** A client secret without anything that could be used as one. */
export type KnownSecret = Omit<ClientSecretRow, 'id' | 'secret_index'> & { id: number }

const shown = ['id', 'name', 'created_at', 'last_used_at', 'revoked_at'] as const

export async function insertSecret(
  tx: Tx,
  secret: { name: string; secretIndex: string },
  at: string,
): Promise<number> {
  const { id } = await tx
    .insertInto('client_secrets')
    .values({ name: secret.name, secret_index: secret.secretIndex, created_at: at })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

export async function allSecrets(db: Db): Promise<KnownSecret[]> {
  return db.selectFrom('client_secrets').select(shown).orderBy('id').execute()
}

export async function findSecret(db: Db, id: number): Promise<KnownSecret | undefined> {
  return db.selectFrom('client_secrets').select(shown).where('id', '=', id).executeTakeFirst()
}

export async function findSecretByIndex(db: Db, secretIndex: string): Promise<KnownSecret | undefined> {
  return db
    .selectFrom('client_secrets')
    .select(shown)
    .where('secret_index', '=', secretIndex)
    .executeTakeFirst()
}

export async function setUsed(tx: Tx, id: number, at: string): Promise<void> {
  await tx.updateTable('client_secrets').set({ last_used_at: at }).where('id', '=', id).execute()
}

export async function setRevoked(tx: Tx, id: number, at: string): Promise<void> {
  await tx.updateTable('client_secrets').set({ revoked_at: at }).where('id', '=', id).execute()
}
