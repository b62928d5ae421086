import type { Command } from 'commander'
import type { WholeEntry } from '../control/queue-operations.ts'
import { AppError } from '../../shared/errors.ts'
import type { KioskStatus } from '../kiosk/channel.ts'
import type { AgentStatus } from '../status.ts'
import { actorOf, reachOutbox, settings, type Operations, type Terminal } from './context.ts'
import { oldestFirst, writeArray } from './queue-list.ts'

export function addLeave(program: Command, terminal: Terminal): void {
  program
    .command('leave')
    .description(
      'Forget the key of this kiosk, before the machine is given away; refused while anything is unsent',
    )
    .option('--export <file>', 'first write every registration that the server does not have into a new file')
    .option('--json', 'print JSON')
    .action(async (options: { export?: string; json?: boolean }, command: Command) => {
      await using operations = await reachOutbox(settings(command, terminal), terminal)
      const { kiosk } = (await operations.ask('status')) as AgentStatus
      if (kiosk === null) throw new AppError('kiosk-not-joined', 'this machine has not joined a server')
      const unsent =
        options.export === undefined ? 0 : await writeArray(unsentOf(operations, terminal), options.export)
      if (options.export !== undefined) {
        terminal.say(
          `${String(unsent)} registrations written to ${options.export}: clients' data, keep it safe.`,
        )
      }
      const left = (await operations.ask('kiosk.leave', { unsent })) as KioskStatus
      const told = `kiosk ${String(left.id)} "${left.name}" has left ${left.serverUrl}`
      terminal.print(options.json === true ? JSON.stringify({ left, exported: unsent }) : told)
      terminal.say(`On the server: vlt-server kiosk revoke ${String(left.id)}`)
    })
}

async function* unsentOf(operations: Operations, terminal: Terminal): AsyncGenerator<WholeEntry> {
  for await (const entry of oldestFirst(operations, actorOf(terminal))) {
    if (entry.state === 'pending' || entry.state === 'dead') yield entry
  }
}
