import type { Db, Tx } from '../database/schema.ts'

export async function findProofs(db: Db): Promise<Map<string, string>> {
  const rows = await db.selectFrom('keyring_proofs').selectAll().execute()
  return new Map(rows.map(({ name, proof }) => [name, proof]))
}

export async function keepProofs(tx: Tx, proofs: Map<string, string>): Promise<void> {
  await tx
    .insertInto('keyring_proofs')
    .values([...proofs].map(([name, proof]) => ({ name, proof })))
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
}
