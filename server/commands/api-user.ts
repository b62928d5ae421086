import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import type { Surroundings } from '../serve.ts'
import { createAccounts, minPasswordLength } from '../systems/digital-registry/accounts/accounts.ts'
import { entityList } from './entity.ts'
import { onCore } from './on-core.ts'
import { readPassword } from '../../shared/read-password.ts'
import { readRowId } from './row-id.ts'
import { table } from './table.ts'

/** `vlt-server api-user …` */
export function addApiUser(program: Command, surroundings: Surroundings): void {
  const { print } = surroundings
  const apiUser = program
    .command('api-user')
    .description('who may call the digital registry: people of an entity, by document number and password')

  const add = takesPassword(apiUser.command('add'))
    .description('add an API user of an entity and print its id')
    .requiredOption('--username <number>', 'document number of the user, 1 to 64 characters')
    .requiredOption('--entity <id>', 'id of its entity, as `entity list` shows it')
    .option('--no-api', 'without permission to call the API: every call is refused with 403')
    .option('--json', 'print {"id": …, "username": …, "entity": …, "api": …}')
  onCore(add, surroundings, async (core, { username: given, entity, api, passwordFile, json }) => {
    const username = String(given).trim()
    const entityId = readRowId(String(entity), entityList)
    const password = await readPassword(pathOf(passwordFile), surroundings)
    const user = { username, password, entityId, api: api !== false }
    const { id } = await createAccounts(core, systemClock).addApiUser(user)
    if (json === true) print(JSON.stringify({ id, username, entity: entityId, api: user.api }))
    else print(`api-user ${String(id)} added to entity ${String(entityId)}`)
  })

  const list = apiUser
    .command('list')
    .description('list all API users: id, username, state, API permission, entity')
    .option('--json', 'print [{id, username, entity: {id, name}, api, active, createdAt}]')
  onCore(list, surroundings, async (core, { json }) => {
    const users = await createAccounts(core, systemClock).apiUsers()
    if (json === true) print(JSON.stringify(users))
    else {
      const rows = users.map(({ id, username, active, api, entity }) => [
        ...[id, username, state(active), api ? 'yes' : 'no'],
        `${String(entity.id)} ${entity.name}`,
      ])
      for (const line of table(['ID', 'USERNAME', 'STATE', 'API', 'ENTITY'], rows)) print(line)
    }
  })

  for (const [name, active, description] of [
    ['block', false, 'refuse an API user, from its next request on'],
    ['unblock', true, 'take back a block'],
  ] as const) {
    const change = named(apiUser.command(name)).description(description)
    onCore(change, surroundings, async (core, _flags, [username = '']) => {
      const { id } = await createAccounts(core, systemClock).setApiUserActive(username, active)
      print(`api-user ${String(id)} is ${state(active)}`)
    })
  }

  const setPassword = takesPassword(named(apiUser.command('set-password'))).description(
    'give an API user another password; the old one ends at once',
  )
  onCore(setPassword, surroundings, async (core, { passwordFile }, [username = '']) => {
    const password = await readPassword(pathOf(passwordFile), surroundings)
    const { id } = await createAccounts(core, systemClock).setPassword(username, password)
    print(`api-user ${String(id)} has a new password`)
  })
}

function named(command: Command): Command {
  return command.argument('<username>', 'document number of the user, as `api-user list` shows it')
}

function takesPassword(command: Command): Command {
  return command.option(
    '--password-file <file>',
    `file that holds the password, at least ${String(minPasswordLength)} characters; - for standard input (default: asks)`,
  )
}

function pathOf(flag: unknown): string | undefined {
  return typeof flag === 'string' ? flag : undefined
}

function state(active: boolean): string {
  return active ? 'active' : 'blocked'
}
