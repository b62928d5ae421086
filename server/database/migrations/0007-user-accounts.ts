import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Engine } from '../schema.ts'
import { tables } from './tables.ts'

/** Catalogues, user accounts, the roles they asked for, the reminders of their licences. */
export function userAccounts(engine: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const { table, tableWithId } = tables(db, engine)
      const truth = (name: string) => sql<boolean>`${sql.ref(name)} in (0, 1)`
      const catalogue = (name: string) =>
        table(name)
          .addColumn('id', 'integer', (column) => column.primaryKey().notNull())
          .addColumn('name', 'text', (column) => column.notNull())
          .addColumn('active', 'integer', (column) => column.notNull().check(truth('active')))
      await catalogue('departments').execute()
      await catalogue('licence_types').execute()
      await catalogue('roles')
        .addColumn('privileged', 'integer', (column) => column.notNull().check(truth('privileged')))
        .addColumn('self_registration', 'integer', (column) =>
          column.notNull().check(truth('self_registration')),
        )
        .addColumn('is_default', 'integer', (column) => column.notNull().check(truth('is_default')))
        // Whatever a program does, strangers can take none but active roles without privileges.
        .addCheckConstraint(
          'roles_open',
          sql`self_registration <= active and self_registration + privileged < 2`,
        )
        .addCheckConstraint('roles_default', sql`is_default <= self_registration`)
        .execute()
      await sql`create unique index roles_one_default on roles (is_default) where is_default = 1`.execute(db)

      await tableWithId('user_accounts')
        .addColumn('login_index', 'text', (column) => column.notNull().unique())
        .addColumn('correo_index', 'text', (column) => column.notNull().unique())
        .addColumn('personal', 'text', (column) => column.notNull())
        .addColumn('password_hash', 'text', (column) => column.notNull())
        .addColumn('departamento_id', 'integer', (column) => column.notNull().references('departments.id'))
        .addColumn('role_id', 'integer', (column) => column.notNull().references('roles.id'))
        .addColumn('licencia_tipo', 'integer', (column) => column.references('licence_types.id'))
        .addColumn('created_at', 'text', (column) => column.notNull())
        .execute()

      await tableWithId('role_requests')
        .addColumn('account_id', 'integer', (column) => column.notNull().references('user_accounts.id'))
        // Whatever was asked for: not every role that strangers name exists.
        .addColumn('role_id', 'integer', (column) => column.notNull())
        .addColumn('state', 'text', (column) =>
          column.notNull().check(sql`state in ('pending', 'approved', 'rejected')`),
        )
        .addColumn('requested_at', 'text', (column) => column.notNull())
        .addColumn('settled_at', 'text')
        .execute()
      await db.schema.createIndex('role_requests_by_state').on('role_requests').column('state').execute()
      await db.schema
        .createIndex('role_requests_by_account')
        .on('role_requests')
        .column('account_id')
        .execute()

      await tableWithId('licence_reminders')
        .addColumn('account_id', 'integer', (column) => column.notNull().references('user_accounts.id'))
        .addColumn('due_on', 'text', (column) => column.notNull())
        .addColumn('expires_on', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) =>
          column.notNull().check(sql`state in ('planned', 'sent', 'skipped', 'failed')`),
        )
        .addColumn('settled_at', 'text')
        .addUniqueConstraint('licence_reminders_once', ['account_id', 'expires_on', 'due_on'])
        .execute()
      await db.schema
        .createIndex('licence_reminders_by_day')
        .on('licence_reminders')
        .columns(['state', 'due_on'])
        .execute()

      await fill(db)
    },
  }
}

interface Seeded {
  departments: { id: number; name: string; active: number }
  licence_types: { id: number; name: string; active: number }
  roles: {
    id: number
    name: string
    active: number
    privileged: number
    self_registration: number
    is_default: number
  }
}

/** Guatemala's departments in their official order, and its licences (Reglamento de Tránsito). */
async function fill(db: Kysely<Seeded>): Promise<void> {
  const departments = [
    'Guatemala',
    'El Progreso',
    'Sacatepéquez',
    'Chimaltenango',
    'Escuintla',
    'Santa Rosa',
    'Sololá',
    'Totonicapán',
    'Quetzaltenango',
    'Suchitepéquez',
    'Retalhuleu',
    'San Marcos',
    'Huehuetenango',
    'Quiché',
    'Baja Verapaz',
    'Alta Verapaz',
    'Petén',
    'Izabal',
    'Zacapa',
    'Chiquimula',
    'Jalapa',
    'Jutiapa',
  ]
  const licences = ['Tipo A', 'Tipo B', 'Tipo C', 'Tipo M', 'Tipo E']
  const numbered = (names: string[]) => names.map((name, place) => ({ id: place + 1, name, active: 1 }))
  await db.insertInto('departments').values(numbered(departments)).execute()
  await db.insertInto('licence_types').values(numbered(licences)).execute()
  await db
    .insertInto('roles')
    .values([
      { id: 1, name: 'Usuario', active: 1, privileged: 0, self_registration: 1, is_default: 1 },
      { id: 2, name: 'Conductor', active: 1, privileged: 0, self_registration: 0, is_default: 0 },
      { id: 3, name: 'Operador', active: 1, privileged: 1, self_registration: 0, is_default: 0 },
      { id: 4, name: 'Administrador', active: 1, privileged: 1, self_registration: 0, is_default: 0 },
    ])
    .execute()
}
