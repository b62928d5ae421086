import type { Clock } from '../../../../shared/clock.ts'
import { AppError } from '../../../../shared/errors.ts'
import type { Core } from '../../../core.ts'
import { lock } from '../../../database/locks.ts'
import type { Tx } from '../../../database/schema.ts'
import { findRole, type ListedRole, listRoles } from '../catalogues/store.ts'
import { accountSubject, openPerson } from '../person.ts'
import { findRequest, giveRole, openRole, pendingRequests, settleRequest } from './store.ts'

/** A role that an account asked for and only staff can give; with who asks, because staff has to know. */
export interface RoleRequest {
  id: number
  accountId: number
  login: string
  name: string
  roleId: number
  roleName: string | null
  currentRoleName: string
  requestedAt: string
}

/** What staff does about roles. All of it goes into the audit trail. */
export interface RoleDesk {
  list(): Promise<ListedRole[]>
  /** Oldest first. */
  pending(): Promise<RoleRequest[]>
  /** Gives the role asked for. Throws `role-request-unknown`, `role-request-settled` or `role-unknown`. */
  approve(requestId: number): Promise<RoleGiven>
  /** The account keeps the role it has. Throws `role-request-unknown` or `role-request-settled`. */
  reject(requestId: number): Promise<RoleGiven>
  /** Lets whoever registers choose a role. Throws `role-unknown`, and `role-not-open` for one with privileges. */
  allow(roleId: number): Promise<ListedRole>
  /** Takes that back, for registrations to come. Throws `role-unknown`, and `role-not-open` for the default. */
  disallow(roleId: number): Promise<ListedRole>
}

export interface RoleGiven {
  accountId: number
  roleId: number
}

export function createRoleDesk({ database, vault, audit }: Core, clock: Clock): RoleDesk {
  const settle = async (tx: Tx, id: number, state: 'approved' | 'rejected'): Promise<RoleGiven> => {
    await lock(tx, ['catalogues'])
    const request = await findRequest(tx, id)
    if (request === undefined) throw new AppError('role-request-unknown', `there is no request ${String(id)}`)
    if (!(await settleRequest(tx, id, state, clock.now()))) {
      throw new AppError('role-request-settled', `request ${String(id)} has been settled already`)
    }
    const { account_id: accountId, role_id: roleId } = request
    if (state === 'approved') {
      await activeRole(tx, roleId)
      await giveRole(tx, accountId, roleId)
    }
    await audit.record(tx, {
      action: `role-${state}`,
      actor: 'operator',
      subject: accountSubject(accountId),
      details: { request: id, role: roleId },
    })
    return { accountId, roleId }
  }

  const setOpen = (id: number, open: boolean): Promise<ListedRole> =>
    database.transact(async (tx) => {
      await lock(tx, ['catalogues'])
      const role = await activeRole(tx, id)
      if (open && role.privileged) {
        throw new AppError('role-not-open', `role ${String(id)} is privileged: only staff gives it`)
      }
      if (!open && role.default) {
        throw new AppError(
          'role-not-open',
          `role ${String(id)} is the default: every registration may get it`,
        )
      }
      if (role.selfRegistration !== open) {
        await openRole(tx, id, open)
        await audit.record(tx, {
          action: open ? 'role-allowed' : 'role-disallowed',
          actor: 'operator',
          subject: `role ${String(id)}`,
        })
      }
      return { ...role, selfRegistration: open }
    })

  return {
    list: () => database.query(listRoles),
    async pending() {
      const rows = await database.query(pendingRequests)
      return rows.map(({ id, accountId, roleId, roleName, currentRoleName, requestedAt, ...row }) => {
        const person = openPerson(vault, row)
        if (person === undefined) throw new Error('an erased account asks for no role')
        const { usuarioLogin: login, usuarioNombre, usuarioApellido } = person
        const name = `${usuarioNombre} ${usuarioApellido}`
        return { id, accountId, login, name, roleId, roleName, currentRoleName, requestedAt }
      })
    },
    approve: (id) => database.transact((tx) => settle(tx, id, 'approved')),
    reject: (id) => database.transact((tx) => settle(tx, id, 'rejected')),
    allow: (id) => setOpen(id, true),
    disallow: (id) => setOpen(id, false),
  }
}

async function activeRole(tx: Tx, id: number): Promise<ListedRole> {
  const role = await findRole(tx, id)
  if (role?.active === true) return role
  throw new AppError('role-unknown', `there is no active role ${String(id)}`)
}
