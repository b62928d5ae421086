import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { createPrivacy } from '../privacy/privacy.ts'
import type { Surroundings } from '../serve.ts'
import { confirm } from './confirm.ts'
import { onCore } from './on-core.ts'
import { addPersonOptions, readPerson } from './person-option.ts'

/** `vlt-server erase` */
export function addErase(program: Command, surroundings: Surroundings): void {
  const { print } = surroundings
  const command = addPersonOptions(program.command('erase'))
    .description(
      'remove what can name one person, for good; goes into the audit trail. Backups keep what they hold',
    )
    .option('--yes', 'do not ask')
    .option('--no-input', 'never ask: without --yes nothing is erased')
  onCore(command, surroundings, async (core, flags) => {
    const { find, id, name } = readPerson(flags)
    const { yes, input } = flags
    if (yes !== true) {
      const question = `Erase all personal data of ${name} for good?`
      await confirm(question, { mayAsk: input !== false, terminal: surroundings })
    }
    const erased = await createPrivacy(core, systemClock).erase(find, id)
    print(erased ? `${name} is erased` : `${name} was erased before`)
  })
}
