import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import type { Surroundings } from '../serve.ts'
import { createRoleDesk, type RoleDesk } from '../systems/user-accounts/roles/roles.ts'
import { shown } from './catalog.ts'
import { onCore } from './on-core.ts'
import { readRowId } from './row-id.ts'
import { table } from './table.ts'

/** `vlt-server role …` */
export function addRole(program: Command, surroundings: Surroundings): void {
  const { print } = surroundings
  const role = program
    .command('role')
    .description('roles of user accounts: what registrations may choose, and what they asked for')
  const onDesk = (
    command: Command,
    work: (desk: RoleDesk, flags: Record<string, unknown>, operand: string | undefined) => Promise<void>,
  ): void => {
    onCore(command, surroundings, (core, flags, [operand]) =>
      work(createRoleDesk(core, systemClock), flags, operand),
    )
  }

  onDesk(
    role.command('list').description('list all roles').option('--json', 'print JSON'),
    async (desk, { json }) => {
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
    async (desk, { json }) => {
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
      async (desk, { json }, operand) => {
        const given = await desk[name](readRowId(operand, 'vlt-server role pending'))
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
      async (desk, { json }, operand) => {
        const changed = await desk[name](readRowId(operand, 'vlt-server role list'))
        const told = `role ${String(changed.id)} (${changed.name}) ${outcome} at registration`
        print(json === true ? JSON.stringify(changed) : told)
      },
    )
  }
}
