import type { Db, DigitalConsentRow, DigitalRegistrationRow, Tx } from '../../database/schema.ts'

export type NewRegistration = Pick<
  DigitalRegistrationRow,
  'code_index' | 'api_user_id' | 'dni_index' | 'personal' | 'created_at'
>

/** Answers the new id, or undefined when the code is taken. */
export async function insertRegistration(tx: Tx, row: NewRegistration): Promise<number | undefined> {
  const inserted = await tx
    .insertInto('digital_registrations')
    .values({ ...row, state: 'generado', wrong_proofs: 0 })
    .onConflict((conflict) => conflict.column('code_index').doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted?.id
}

/** With the entity that asks. */
export function findRegistration(db: Db, index: string) {
  return db
    .selectFrom('digital_registrations as registration')
    .innerJoin('api_users', 'api_users.id', 'registration.api_user_id')
    .innerJoin('entities', 'entities.id', 'api_users.entity_id')
    .selectAll('registration')
    .select(['entities.name as entity_name', 'entities.active as entity_active'])
    .where('code_index', '=', index)
    .executeTakeFirst()
}

export type FoundRegistration = NonNullable<Awaited<ReturnType<typeof findRegistration>>>

export async function changeRegistration(
  tx: Tx,
  id: number,
  changes: Partial<Pick<DigitalRegistrationRow, 'state' | 'wrong_proofs' | 'started_at' | 'completed_at'>>,
): Promise<void> {
  await tx.updateTable('digital_registrations').set(changes).where('id', '=', id).execute()
}

export async function insertConsent(tx: Tx, consent: Omit<DigitalConsentRow, 'id'>): Promise<void> {
  await tx.insertInto('digital_consents').values(consent).execute()
}
