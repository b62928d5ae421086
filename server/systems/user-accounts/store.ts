import type { Selectable } from 'kysely'
import type { LicenceReminderRow, RoleRequestRow, UserAccountRow } from '../../database/rows/user-accounts.ts'
import type { Db, Tx } from '../../database/schema.ts'

/** Which of these ids new accounts may have. */
export async function findCatalogued(
  db: Db,
  ids: { departamentoId: number | undefined; licenciaTipo: number | undefined },
): Promise<{ department: boolean; licenceType: boolean }> {
  const active = (catalogue: 'departments' | 'licence_types', id: number | undefined) =>
    db
      .selectFrom(catalogue)
      .select('id')
      .where('id', '=', id ?? -1)
      .where('active', '=', 1)
  const found = await db
    .selectNoFrom([
      active('departments', ids.departamentoId).as('department'),
      active('licence_types', ids.licenciaTipo).as('licenceType'),
    ])
    .executeTakeFirstOrThrow()
  return { department: found.department !== null, licenceType: found.licenceType !== null }
}

export type NewAccount = Omit<UserAccountRow, 'id' | 'role_id'> & {
  wantedRole: number | undefined
}

/**
 * Answers undefined when login or address is taken. The role is decided in this very statement, so that nothing can
 * change in between: the wanted one if everybody may choose it, else the default.
 */
export async function insertAccount(
  tx: Tx,
  { wantedRole, ...account }: NewAccount,
): Promise<{ id: number; roleId: number } | undefined> {
  return tx
    .insertInto('user_accounts')
    .values({
      ...account,
      role_id: (row) =>
        row
          .selectFrom('roles')
          .select('roles.id')
          .where('self_registration', '=', 1)
          .where((is) => is.or([is('roles.id', '=', wantedRole ?? -1), is('is_default', '=', 1)]))
          .orderBy('is_default')
          .limit(1),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning(['id', 'role_id as roleId'])
    .executeTakeFirst()
}

export async function insertRoleRequest(
  tx: Tx,
  accountId: number,
  roleId: number,
  at: string,
): Promise<void> {
  await tx
    .insertInto('role_requests')
    .values({ account_id: accountId, role_id: roleId, state: 'pending', requested_at: at, settled_at: null })
    .execute()
}

/** Leaves out what is planned already. */
export async function planReminders(
  tx: Tx,
  accountId: number,
  expiresOn: string,
  dueOn: string[],
): Promise<void> {
  if (dueOn.length === 0) return
  await tx
    .insertInto('licence_reminders')
    .values(
      dueOn.map((day) => ({
        account_id: accountId,
        due_on: day,
        expires_on: expiresOn,
        state: 'planned' as const,
        settled_at: null,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function findAccount(
  db: Db,
  id: number,
): Promise<Pick<UserAccountRow, 'login_index' | 'personal' | 'departamento_id'> | undefined> {
  return db
    .selectFrom('user_accounts')
    .select(['login_index', 'personal', 'departamento_id'])
    .where('id', '=', id)
    .executeTakeFirst()
}

export interface DueReminder extends Pick<UserAccountRow, 'login_index' | 'personal'> {
  id: number
  account_id: number
  expires_on: string
}

/** Planned ones whose day has come, of at most so many accounts; of each account the nearest to the end last. */
export async function findDueReminders(tx: Tx, today: string, accounts: number): Promise<DueReminder[]> {
  const due = tx
    .selectFrom('licence_reminders as reminder')
    .where('reminder.state', '=', 'planned')
    .where('reminder.due_on', '<=', today)
  return due
    .innerJoin('user_accounts as account', 'account.id', 'reminder.account_id')
    .select([
      'reminder.id',
      'reminder.account_id',
      'reminder.expires_on',
      'account.login_index',
      'account.personal',
    ])
    .where(
      'reminder.account_id',
      'in',
      due.select('reminder.account_id').distinct().orderBy('reminder.account_id').limit(accounts),
    )
    .orderBy('reminder.account_id')
    .orderBy('reminder.due_on')
    .execute()
}

export async function settleReminder(
  tx: Tx,
  id: number,
  state: 'sent' | 'skipped' | 'failed',
  at: string,
): Promise<void> {
  await tx.updateTable('licence_reminders').set({ state, settled_at: at }).where('id', '=', id).execute()
}

export async function findWholeAccount(db: Db, id: number): Promise<Selectable<UserAccountRow> | undefined> {
  return db.selectFrom('user_accounts').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function listRoleRequests(db: Db, accountId: number): Promise<Selectable<RoleRequestRow>[]> {
  return db
    .selectFrom('role_requests')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('id')
    .execute()
}

export async function listReminders(db: Db, accountId: number): Promise<Selectable<LicenceReminderRow>[]> {
  return db
    .selectFrom('licence_reminders')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('due_on')
    .execute()
}

/** Leaves an account that is nobody's. */
export async function forgetAccount(tx: Tx, id: number, at: string): Promise<void> {
  await tx
    .updateTable('licence_reminders')
    .set({ state: 'skipped', settled_at: at })
    .where('account_id', '=', id)
    .where('state', '=', 'planned')
    .execute()
  await tx
    .updateTable('role_requests')
    .set({ state: 'rejected', settled_at: at })
    .where('account_id', '=', id)
    .where('state', '=', 'pending')
    .execute()
  // No login and no address has an index like these.
  const nobody = `erased ${String(id)}`
  await tx
    .updateTable('user_accounts')
    .set({ login_index: nobody, correo_index: nobody, personal: '', password_hash: '' })
    .where('id', '=', id)
    .execute()
}
