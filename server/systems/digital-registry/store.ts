import type { Selectable } from 'kysely'
import type { DigitalConsentRow, DigitalRegistrationRow } from '../../database/rows/digital-registry.ts'
import type { Db, Tx } from '../../database/schema.ts'

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

/** With the entity that asks. Those of erased people are not found. */
export function findRegistration(db: Db, index: string) {
  return db
    .selectFrom('digital_registrations as registration')
    .innerJoin('api_users', 'api_users.id', 'registration.api_user_id')
    .innerJoin('entities', 'entities.id', 'api_users.entity_id')
    .selectAll('registration')
    .select(['entities.name as entity_name', 'entities.active as entity_active'])
    .where('code_index', '=', index)
    .where('personal', '<>', '')
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

/** Also that of somebody who was erased. */
export async function findWholeRegistration(
  tx: Tx,
  index: string,
): Promise<Selectable<DigitalRegistrationRow> | undefined> {
  return tx.selectFrom('digital_registrations').selectAll().where('code_index', '=', index).executeTakeFirst()
}

export async function findConsent(
  tx: Tx,
  registrationId: number,
): Promise<Selectable<DigitalConsentRow> | undefined> {
  return tx
    .selectFrom('digital_consents')
    .selectAll()
    .where('registration_id', '=', registrationId)
    .executeTakeFirst()
}

export async function forgetRegistration(tx: Tx, id: number): Promise<void> {
  await tx
    .updateTable('digital_registrations')
    // No document number has an index like this.
    .set({ personal: '', dni_index: `erased ${String(id)}` })
    .where('id', '=', id)
    .execute()
}
