import {
  parseRegistration,
  type Registration,
  type RegistrationField,
  registrationFields,
  registrationRequest,
  unknownDepartment,
  type User,
} from '../../../shared/contracts/user-accounts.ts'
import type { FieldComplaint } from '../../../shared/errors.ts'
import type { Audit } from '../../audit/audit.ts'
import type { Database } from '../../database/database.ts'
import type { Tx } from '../../database/schema.ts'
import { together } from '../../database/together.ts'
import type { Vault } from '../../security/vault.ts'
import { dayAt } from './calendar.ts'
import { accountSubject, identify, openPerson, sealPerson, userOf } from './person.ts'
import { reminderDays } from './reminders.ts'
import { findAccount, findCatalogued, insertAccount, insertRoleRequest, planReminders } from './store.ts'

/** A body that is right, or what is wrong with it: its fields, and only once these are right its licence. */
export type Checked =
  | { kind: 'right'; registration: Registration }
  | { kind: 'wrong-fields'; complaints: FieldComplaint[] }
  | { kind: 'wrong-licence'; fault: 'type' | 'number' }

/** Checks a body by the contract and the catalogues. */
export async function checkRegistration(database: Database, body: Record<string, unknown>): Promise<Checked> {
  const parsed = parseRegistration(body)
  // Looked up even where other fields are wrong: whoever corrects them should not have to come a third time.
  const departamentoId = registrationRequest.shape.departamentoId.safeParse(body['departamentoId']).data
  const licenciaTipo = parsed.data?.licenciaTipo
  const known = await database.query((db) => findCatalogued(db, { departamentoId, licenciaTipo }))

  const complaints: FieldComplaint[] =
    parsed.error?.issues.map(({ path, message }) => ({ field: String(path[0]), message })) ?? []
  if (departamentoId !== undefined && !known.department) {
    complaints.push({ field: 'departamentoId', message: unknownDepartment })
    complaints.sort((a, b) => place(a) - place(b))
  }
  if (!parsed.success || complaints.length > 0) return { kind: 'wrong-fields', complaints }

  const registration = parsed.data
  if (registration.poseeLicencia === true) {
    if (!known.licenceType) return { kind: 'wrong-licence', fault: 'type' }
    if (registration.licenciaNumero === undefined) return { kind: 'wrong-licence', fault: 'number' }
  }
  return { kind: 'right', registration }
}

function place({ field }: FieldComplaint): number {
  return registrationFields.indexOf(field as RegistrationField)
}

/**
 * Creates an account, inside the caller's transaction; undefined when somebody has its login or e-mail address.
 *
 * A role that not everybody may choose is parked for staff, and the account gets the default one: see
 * `insertAccount`.
 */
export async function register(
  tx: Tx,
  { vault, audit }: { vault: Vault; audit: Audit },
  registration: Registration,
  passwordHash: string,
  at: string,
): Promise<User | undefined> {
  const { departamentoId, usuarioRolId: wantedRole, licenciaFechaVencimiento: expiresOn } = registration
  const identity = identify(vault, registration)
  const account = await insertAccount(tx, {
    ...identity,
    personal: sealPerson(vault, identity, registration),
    password_hash: passwordHash,
    departamento_id: departamentoId,
    licencia_tipo: registration.licenciaTipo ?? null,
    created_at: at,
    wantedRole,
  })
  if (account === undefined) return undefined

  const parked = wantedRole !== undefined && wantedRole !== account.roleId ? wantedRole : undefined
  await together(
    expiresOn === undefined
      ? Promise.resolve()
      : planReminders(tx, account.id, expiresOn, reminderDays(expiresOn, dayAt(at))),
    parked === undefined ? Promise.resolve() : insertRoleRequest(tx, account.id, parked, at),
  )
  if (parked !== undefined) {
    await audit.record(tx, {
      action: 'role-requested',
      actor: 'anonymous',
      subject: accountSubject(account.id),
      details: { role: parked },
    })
  }
  return userOf(account.id, departamentoId, registration)
}

/** The account that a token's claims name, as it is now; undefined when it is gone, or the token is no account's. */
export async function accountOf(
  claims: Record<string, unknown> | undefined,
  { database, vault }: { database: Database; vault: Vault },
): Promise<User | undefined> {
  const id = claims?.['usuario_id']
  if (typeof id !== 'number') return undefined
  const account = await database.query((db) => findAccount(db, id))
  const person = account && openPerson(vault, account)
  return person && userOf(id, account.departamento_id, person)
}
