import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Surroundings } from '../serve.ts'
import { createRoleDesk, type RoleDesk } from '../systems/user-accounts/roles/roles.ts'
import { shown } from './catalog.ts'
import { onCore } from './on-core.ts'
import { table } from './table.ts'

// Of the id columns.
const maxId = 2 ** 31 - 1

/** `vlt-server role …` */
export function addRole(program: Command, surroundings: Surroundings): void {
  const { print } = surroundings
  const role = program
    .command('role')
    .description('roles of user accounts: what registrations may choose, and what they asked for')
  const onDesk = (
    command: Command,
    work: (desk: RoleDesk, id: number, flags: Record<string, unknown>) => Promise<void>,
  ): void => {
    onCore(command, surroundings, (core, flags, [operand]) =>
      work(createRoleDesk(core, systemClock), idOf(operand), flags),
    )
  }

  onDesk(
    role.command('list').description('list all roles').option('--json', 'print JSON'),
    async (desk, _id, { json }) => {
      const roles = await desk.list()
      if (json === true) print(JSON.stringify(roles, null, 2))
      else for (const line of shown('roles', roles)) print(line)
    },
  )
  onDesk(
    role
      .command('pending')
      .description('list who waits for a role, oldest first, with login and name')
      .option('--json', 'print JSON'),
    async (desk, _id, { json }) => {
      const requests = await desk.pending()
      if (json === true) print(JSON.stringify(requests, null, 2))
      else {
        const rows = requests.map(({ id, accountId, login, name, roleId, roleName, requestedAt }) => [
          ...[id, accountId, login, name],
          `${String(roleId)} ${roleName ?? '(no such role)'}`,
          requestedAt,
        ])
        const titles = ['REQUEST', 'ACCOUNT', 'LOGIN', 'NAME', 'ROLE', 'SINCE']
        for (const line of table(titles, rows)) print(line)
      }
    },
  )
  for (const [name, description, outcome] of [
    ['approve', 'give an account the role it asked for; goes into the audit trail', 'has role'],
    ['reject', 'leave an account the role it has; goes into the audit trail', 'does not get role'],
  ] as const) {
    onDesk(
      role
        .command(name)
        .description(description)
        .argument('<request-id>', 'as `role pending` shows it')
        .option('--json', 'print {accountId, roleId}'),
      async (desk, id, { json }) => {
        const given = await desk[name](id)
        const told = `account ${String(given.accountId)} ${outcome} ${String(given.roleId)}`
        print(json === true ? JSON.stringify(given) : told)
      },
    )
  }
  for (const [name, description, outcome] of [
    ['allow', 'let whoever registers choose a role without privileges', 'can be chosen'],
    ['disallow', 'take that back; accounts that have the role keep it', 'cannot be chosen'],
  ] as const) {
    onDesk(
      role
        .command(name)
        .description(`${description}; goes into the audit trail`)
        .argument('<role-id>', 'as `role list` shows it')
        .option('--json', 'print the role'),
      async (desk, id, { json }) => {
        const changed = await desk[name](id)
        const told = `role ${String(id)} (${changed.name}) ${outcome} at registration`
        print(json === true ? JSON.stringify(changed) : told)
      },
    )
  }
}

/** An id as a person types it; 0 for none, which only a command without one gets. Throws `usage`. */
function idOf(text: string | undefined): number {
  if (text === undefined) return 0
  if (!/^\d{1,10}$/.test(text) || Number(text) > maxId) throw new AppError('usage', `"${text}" is no id`)
  return Number(text)
}
