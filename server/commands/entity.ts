import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import type { Surroundings } from '../serve.ts'
import { createAccounts } from '../systems/digital-registry/accounts/accounts.ts'
import { onCore } from './on-core.ts'
import { readRowId } from './row-id.ts'
import { table } from './table.ts'

/** Where an operator sees the ids that others ask for. */
export const entityList = 'vlt-server entity list'

/** `vlt-server entity …` */
export function addEntity(program: Command, surroundings: Surroundings): void {
  const { print } = surroundings
  const entity = program
    .command('entity')
    .description('organisations that register people over the digital registry')

  const add = entity
    .command('add')
    .description('add an organisation and print its id')
    .requiredOption('--name <name>', 'name that people see, 1 to 255 characters')
    .option('--json', 'print {"id": …, "name": …}')
  onCore(add, surroundings, async (core, { name, json }) => {
    const added = await createAccounts(core, systemClock).addEntity(String(name))
    print(json === true ? JSON.stringify(added) : `entity ${String(added.id)} added: ${added.name}`)
  })

  const list = entity
    .command('list')
    .description('list all organisations: id, state, name')
    .option('--json', 'print [{id, name, active, createdAt}]')
  onCore(list, surroundings, async (core, { json }) => {
    const entities = await createAccounts(core, systemClock).entities()
    if (json === true) print(JSON.stringify(entities))
    else {
      const rows = entities.map(({ id, name, active }) => [id, state(active), name])
      for (const line of table(['ID', 'STATE', 'NAME'], rows)) print(line)
    }
  })

  for (const [name, active, description] of [
    [
      'suspend',
      false,
      'refuse all API users of an organisation and stop its links, from the next request on',
    ],
    ['activate', true, 'take back a suspension'],
  ] as const) {
    const change = entity
      .command(name)
      .description(description)
      .argument('<id>', 'id of the organisation, as `entity list` shows it')
    onCore(change, surroundings, async (core, _flags, [operand]) => {
      const id = readRowId(operand, entityList)
      await createAccounts(core, systemClock).setEntityActive(id, active)
      print(`entity ${String(id)} is ${state(active)}`)
    })
  }
}

function state(active: boolean): string {
  return active ? 'active' : 'suspended'
}
