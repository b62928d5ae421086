import type { UserAccountRow } from '../../../database/rows/user-accounts.ts'
import type { Db, Tx } from '../../../database/schema.ts'

export interface RequestRow extends Pick<UserAccountRow, 'login_index' | 'personal'> {
  id: number
  accountId: number
  roleId: number
  /** Of the role asked for; null when there is no such role. */
  roleName: string | null
  currentRoleName: string
  requestedAt: string
}

/** Oldest first. */
export async function pendingRequests(db: Db): Promise<RequestRow[]> {
  return db
    .selectFrom('role_requests as request')
    .innerJoin('user_accounts as account', 'account.id', 'request.account_id')
    .innerJoin('roles as current', 'current.id', 'account.role_id')
    .leftJoin('roles as wanted', 'wanted.id', 'request.role_id')
    .select([
      'request.id',
      'account.id as accountId',
      'account.login_index',
      'account.personal',
      'request.role_id as roleId',
      'wanted.name as roleName',
      'current.name as currentRoleName',
      'request.requested_at as requestedAt',
    ])
    .where('request.state', '=', 'pending')
    .orderBy('request.id')
    .execute()
}

export async function findRequest(
  db: Db,
  id: number,
): Promise<{ account_id: number; role_id: number } | undefined> {
  return db
    .selectFrom('role_requests')
    .select(['account_id', 'role_id'])
    .where('id', '=', id)
    .executeTakeFirst()
}

/** Answers false when somebody has settled it already. */
export async function settleRequest(
  tx: Tx,
  id: number,
  state: 'approved' | 'rejected',
  at: string,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('role_requests')
    .set({ state, settled_at: at })
    .where('id', '=', id)
    .where('state', '=', 'pending')
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function giveRole(tx: Tx, accountId: number, roleId: number): Promise<void> {
  await tx.updateTable('user_accounts').set({ role_id: roleId }).where('id', '=', accountId).execute()
}

export async function openRole(tx: Tx, id: number, open: boolean): Promise<void> {
  await tx
    .updateTable('roles')
    .set({ self_registration: open ? 1 : 0 })
    .where('id', '=', id)
    .execute()
}
