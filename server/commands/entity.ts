import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Surroundings } from '../serve.ts'
import { createAccounts } from '../systems/digital-registry/accounts/accounts.ts'
import { onCore } from './on-core.ts'

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
    else for (const { id, name, active } of entities) print(columns([id, 6], [state(active), 10], [name, 0]))
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
    onCore(change, surroundings, async (core, _flags, [operand = '']) => {
      const id = idOf(operand)
      await createAccounts(core, systemClock).setEntityActive(id, active)
      print(`entity ${String(id)} is ${state(active)}`)
    })
  }
}

function state(active: boolean): string {
  return active ? 'active' : 'suspended'
}

/** Text in columns of these widths. */
export function columns(...cells: [text: string | number, width: number][]): string {
  return cells.map(([text, width]) => String(text).padEnd(width)).join('  ')
}

/** An id as a person types it. Throws `usage`. */
export function idOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new AppError('usage', `"${text}" is no id: give the number that \`vlt-server entity list\` shows`)
  }
  return Number(text)
}
