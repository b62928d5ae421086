import type { CatalogueRow, RoleRow } from '../../../database/rows/user-accounts.ts'
import type { Db, Tx } from '../../../database/schema.ts'
import type { CatalogueName, Entry, RoleEntry } from './entry.ts'

const tables = { departments: 'departments', 'licence-types': 'licence_types' } as const

export interface ListedRole extends RoleEntry {
  /** Whoever registers may choose it. */
  selfRegistration: boolean
}

export async function listEntries(db: Db, name: Exclude<CatalogueName, 'roles'>): Promise<Entry[]> {
  const rows = await db.selectFrom(tables[name]).selectAll().orderBy('id').execute()
  return rows.map(entryOf)
}

export async function listRoles(db: Db): Promise<ListedRole[]> {
  const rows = await db.selectFrom('roles').selectAll().orderBy('id').execute()
  return rows.map(roleOf)
}

export async function findRole(db: Db, id: number): Promise<ListedRole | undefined> {
  const row = await db.selectFrom('roles').selectAll().where('id', '=', id).executeTakeFirst()
  return row && roleOf(row)
}

export async function saveEntry(
  tx: Tx,
  name: Exclude<CatalogueName, 'roles'>,
  { id, ...entry }: Entry,
): Promise<void> {
  const row: Omit<CatalogueRow, 'id'> = { name: entry.name, active: entry.active ? 1 : 0 }
  await tx
    .insertInto(tables[name])
    .values({ id, ...row })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute()
}

export async function saveRole(tx: Tx, { id, ...role }: ListedRole): Promise<void> {
  const row: Omit<RoleRow, 'id'> = {
    name: role.name,
    active: role.active ? 1 : 0,
    privileged: role.privileged ? 1 : 0,
    self_registration: role.selfRegistration ? 1 : 0,
    is_default: role.default ? 1 : 0,
  }
  await tx
    .insertInto('roles')
    .values({ id, ...row })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute()
}

function entryOf({ id, name, active }: CatalogueRow): Entry {
  return { id, name, active: active === 1 }
}

function roleOf(row: RoleRow): ListedRole {
  return {
    ...entryOf(row),
    privileged: row.privileged === 1,
    default: row.is_default === 1,
    selfRegistration: row.self_registration === 1,
  }
}
