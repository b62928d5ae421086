import type { ApiUserRow, EntityRow } from '../../../database/rows/digital-registry.ts'
import type { Db, Tx } from '../../../database/schema.ts'

export async function insertEntity(tx: Tx, name: string, at: string): Promise<number> {
  const { id } = await tx
    .insertInto('entities')
    .values({ name, active: 1, created_at: at })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

export function listEntities(db: Db) {
  return db.selectFrom('entities').selectAll().orderBy('id').execute()
}

export function findEntity(tx: Tx, id: number) {
  return tx.selectFrom('entities').select(['id', 'active']).where('id', '=', id).executeTakeFirst()
}

export async function setEntityActive(tx: Tx, id: number, active: EntityRow['active']): Promise<void> {
  await tx.updateTable('entities').set({ active }).where('id', '=', id).execute()
}

/** Answers the new id, or undefined when the username is taken. */
export async function insertApiUser(
  tx: Tx,
  user: Omit<ApiUserRow, 'id' | 'active'>,
): Promise<number | undefined> {
  const inserted = await tx
    .insertInto('api_users')
    .values({ ...user, active: 1 })
    .onConflict((conflict) => conflict.column('username_index').doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted?.id
}

export function listApiUsers(db: Db) {
  return db
    .selectFrom('api_users')
    .innerJoin('entities', 'entities.id', 'api_users.entity_id')
    .select([
      'api_users.id',
      'username',
      'username_index',
      'entity_id',
      'entities.name as entity_name',
      'api_access',
      'api_users.active',
      'api_users.created_at',
    ])
    .orderBy('api_users.id')
    .execute()
}

/** With what decides whether the user may call the API. */
export function findApiUser(db: Db, usernameIndex: string) {
  return db
    .selectFrom('api_users')
    .innerJoin('entities', 'entities.id', 'api_users.entity_id')
    .select([
      'api_users.id',
      'password_hash',
      'api_access',
      'api_users.active',
      'entities.active as entity_active',
    ])
    .where('username_index', '=', usernameIndex)
    .executeTakeFirst()
}

export async function setApiUserActive(tx: Tx, id: number, active: ApiUserRow['active']): Promise<void> {
  await tx.updateTable('api_users').set({ active }).where('id', '=', id).execute()
}

export async function setPasswordHash(tx: Tx, id: number, hash: string): Promise<void> {
  await tx.updateTable('api_users').set({ password_hash: hash }).where('id', '=', id).execute()
}

/** Puts a hash in the place of another one, unless the password has been changed in between. */
export async function renewPasswordHash(tx: Tx, id: number, before: string, hash: string): Promise<void> {
  await tx
    .updateTable('api_users')
    .set({ password_hash: hash })
    .where('id', '=', id)
    .where('password_hash', '=', before)
    .execute()
}
