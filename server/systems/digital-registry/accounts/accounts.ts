import type { Clock } from '../../../../shared/clock.ts'
import { registrationRequest } from '../../../../shared/contracts/digital-registry.ts'
import { AppError } from '../../../../shared/errors.ts'
import type { Core } from '../../../core.ts'
import type { Tx } from '../../../database/schema.ts'
import type { Vault } from '../../../security/vault.ts'
import {
  findApiUser,
  findEntity,
  insertApiUser,
  insertEntity,
  listApiUsers,
  listEntities,
  setApiUserActive,
  setEntityActive,
  setPasswordHash,
} from './store.ts'

/** Shortest password that an operator may give an API user, in characters. */
export const minPasswordLength = 12
const maxNameLength = 255

export interface Entity {
  id: number
  name: string
  active: boolean
  createdAt: string
}

export interface ApiUser {
  id: number
  username: string
  entity: { id: number; name: string }
  /** Whether it may use the API at all. */
  api: boolean
  active: boolean
  createdAt: string
}

export interface NewApiUser {
  username: string
  password: string
  entityId: number
  api: boolean
}

/**
 * What an operator does with entities and their API users; each change is audited, and holds from the next
 * request on.
 *
 * Throws `input-invalid`, `entity-unknown`, `api-user-unknown` or `api-user-taken`.
 */
export interface Accounts {
  addEntity(name: string): Promise<Pick<Entity, 'id' | 'name'>>
  entities(): Promise<Entity[]>
  setEntityActive(id: number, active: boolean): Promise<void>
  addApiUser(user: NewApiUser): Promise<{ id: number }>
  apiUsers(): Promise<ApiUser[]>
  /** Answers the user's id, as do all that find a user by name. */
  setApiUserActive(username: string, active: boolean): Promise<{ id: number }>
  setPassword(username: string, password: string): Promise<{ id: number }>
}

export function createAccounts(
  { database, vault, passwords, audit }: Pick<Core, 'database' | 'vault' | 'passwords' | 'audit'>,
  clock: Clock,
): Accounts {
  const actor = 'operator'
  const subjectOf = (id: number): string => `api-user ${String(id)}`

  const onApiUser = (
    username: string,
    action: string,
    change: (tx: Tx, id: number) => Promise<void>,
  ): Promise<{ id: number }> =>
    database.transact(async (tx) => {
      const user = await findApiUser(tx, usernameIndex(vault, username.trim()))
      if (user === undefined) throw new AppError('api-user-unknown', 'no API user has this username')
      await change(tx, user.id)
      await audit.record(tx, { action, actor, subject: subjectOf(user.id) })
      return { id: user.id }
    })

  return {
    async addEntity(given) {
      const name = checkedName(given)
      return database.transact(async (tx) => {
        const id = await insertEntity(tx, name, clock.now())
        await audit.record(tx, { action: 'entity-added', actor, subject: `entity ${String(id)}` })
        return { id, name }
      })
    },

    async entities() {
      const rows = await database.query(listEntities)
      return rows.map(({ id, name, active, created_at }) => ({
        id,
        name,
        active: active === 1,
        createdAt: created_at,
      }))
    },

    setEntityActive: (id, active) =>
      database.transact(async (tx) => {
        await knownEntity(tx, id)
        await setEntityActive(tx, id, active ? 1 : 0)
        const action = active ? 'entity-activated' : 'entity-suspended'
        await audit.record(tx, { action, actor, subject: `entity ${String(id)}` })
      }),

    async addApiUser({ username: given, password, entityId, api }) {
      const username = checkedUsername(given)
      const hash = await passwords.hash(checkedPassword(password))
      return database.transact(async (tx) => {
        await knownEntity(tx, entityId)
        const index = usernameIndex(vault, username)
        const id = await insertApiUser(tx, {
          entity_id: entityId,
          username_index: index,
          username: vault.seal(usernamePurpose(index), username),
          password_hash: hash,
          api_access: api ? 1 : 0,
          created_at: clock.now(),
        })
        if (id === undefined) throw new AppError('api-user-taken', 'an API user has this username already')
        const details = { entity: entityId, api }
        await audit.record(tx, { action: 'api-user-added', actor, subject: subjectOf(id), details })
        return { id }
      })
    },

    async apiUsers() {
      const rows = await database.query(listApiUsers)
      return rows.map((row) => ({
        id: row.id,
        username: vault.open(usernamePurpose(row.username_index), row.username),
        entity: { id: row.entity_id, name: row.entity_name },
        api: row.api_access === 1,
        active: row.active === 1,
        createdAt: row.created_at,
      }))
    },

    setApiUserActive: (username, active) =>
      onApiUser(username, active ? 'api-user-unblocked' : 'api-user-blocked', (tx, id) =>
        setApiUserActive(tx, id, active ? 1 : 0),
      ),

    async setPassword(username, password) {
      const hash = await passwords.hash(checkedPassword(password))
      return onApiUser(username, 'api-user-password-set', (tx, id) => setPasswordHash(tx, id, hash))
    },
  }
}

/** By what an API user is found; the username as the contract gives it. */
export function usernameIndex(vault: Vault, username: string): string {
  return vault.index('api_users.username', username)
}

function usernamePurpose(index: string): string {
  return `api_users:${index}`
}

async function knownEntity(tx: Tx, id: number): Promise<void> {
  if ((await findEntity(tx, id)) === undefined) {
    throw new AppError('entity-unknown', `there is no entity ${String(id)}`)
  }
}

function checkedName(given: string): string {
  const name = given.trim()
  if (name === '' || name.length > maxNameLength || /\p{Cc}/u.test(name) || !name.isWellFormed()) {
    throw invalid('--name', `must be 1 to ${String(maxNameLength)} characters`)
  }
  return name
}

/** A username that a request can carry. */
function checkedUsername(given: string): string {
  const { data } = registrationRequest.shape.Username.safeParse(given)
  if (data === undefined) throw invalid('--username', 'must be a document number of 1 to 64 characters')
  return data
}

/** A password that a request can carry, and that is long enough not to be guessed. */
function checkedPassword(given: string): string {
  const { data } = registrationRequest.shape.Password.safeParse(given)
  if (data === undefined || Array.from(data).length < minPasswordLength) {
    throw invalid('password', `must be ${String(minPasswordLength)} to 256 characters`)
  }
  return data
}

function invalid(field: string, message: string): AppError {
  return new AppError('input-invalid', `${field} ${message}`, { fields: [{ field, message }] })
}
