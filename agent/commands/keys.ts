import type { Command } from 'commander'
import type { ListedKey } from '../outbox/keys.ts'
import { actorOf, reachOutbox, settings, type Terminal } from './context.ts'
import { localTime } from './layout.ts'

/** `vlt-agent keys …` */
export function addKeys(program: Command, terminal: Terminal): void {
  const keys = program
    .command('keys')
    .description('The keys that seal the outbox, by number: never themselves')

  keys
    .command('list')
    .description('List the data keys, newest first')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      await using outbox = await reachOutbox(settings(command, terminal), terminal)
      const found = (await outbox.ask('keys.list')) as { keys: ListedKey[]; resealedThrough: number | null }
      if (json === true) {
        terminal.print(JSON.stringify(found, null, 2))
        return
      }
      for (const { number, createdAt, use } of found.keys) {
        const told = use === 'seals' ? 'seals what is stored' : 'opens what is not sealed anew yet, then goes'
        terminal.print(`${String(number).padStart(5)}  ${localTime(createdAt)}  ${told}`)
      }
    })

  keys
    .command('rotate')
    .description(
      'Put a new key in use at once. The running agent, or the next one, seals everything anew and then drops the old key',
    )
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      await using outbox = await reachOutbox(settings(command, terminal), terminal)
      const answer = (await outbox.ask('keys.rotate', { actor: actorOf(terminal) })) as { number: number }
      if (json === true) terminal.print(JSON.stringify(answer, null, 2))
      else terminal.say(`Key ${String(answer.number)} seals from now on. Back up outbox-keys.json.`)
    })
}
