import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { createPrivacy } from '../privacy/privacy.ts'
import type { Surroundings } from '../serve.ts'
import { onCore } from './on-core.ts'
import { addPersonOptions, readPerson } from './person-option.ts'

/** `vlt-server export` */
export function addExport(program: Command, surroundings: Surroundings): void {
  const { print } = surroundings
  const command = addPersonOptions(program.command('export')).description(
    'print everything held of one person as one JSON document; goes into the audit trail',
  )
  onCore(command, surroundings, async (core, flags) => {
    const { find, id } = readPerson(flags)
    print(JSON.stringify(await createPrivacy(core, systemClock).export(find, id), null, 2))
  })
}
