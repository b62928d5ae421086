import type { Command } from 'commander'
import { parseCardUid } from '../../shared/card-uid.ts'
import { AppError } from '../../shared/errors.ts'
import type { SimulatedAction } from '../control/operations.ts'
import { callAgent, settings, type Terminal } from './context.ts'

export function addReaderSimulate(reader: Command, terminal: Terminal): void {
  const simulate = reader.command('simulate').description('Play cards and faults on a simulated reader')
  simulate
    .command('tap <uid>')
    .description('A card is presented and taken away')
    .option('--hold <ms>', 'the card lies there so long, in milliseconds')
    .option('--path <name>', 'which simulated reader; needed when there are several')
    .action(async (uid: string, options: { hold?: string; path?: string }, command: Command) => {
      if ('fault' in parseCardUid(uid)) {
        throw new AppError(
          'usage',
          'a UID is 4 to 10 bytes of hex, for example A0C2BBCA (use `raw` for anything else)',
        )
      }
      const hold = options.hold === undefined ? undefined : milliseconds('--hold', options.hold)
      await play(
        command,
        options.path,
        hold === undefined ? { kind: 'tap', text: uid } : { kind: 'hold', text: uid, forMs: hold },
      )
    })
  simulate
    .command('raw <text>')
    .description('Bytes on the wire, whole frames or not; \\r and \\n are understood')
    .option('--path <name>', 'which simulated reader')
    .action(async (text: string, options: { path?: string }, command: Command) => {
      const unescaped = text.replaceAll('\\r', '\r').replaceAll('\\n', '\n')
      await play(command, options.path, { kind: 'raw', text: unescaped })
    })
  simulate
    .command('unplug')
    .description('The reader is pulled out, and plugged in again later')
    .option('--for <ms>', 'how long it is gone, in milliseconds', '3000')
    .option('--path <name>', 'which simulated reader')
    .action(async (options: { for: string; path?: string }, command: Command) => {
      await play(command, options.path, { kind: 'unplug', forMs: milliseconds('--for', options.for) })
    })

  async function play(command: Command, path: string | undefined, action: SimulatedAction): Promise<void> {
    await callAgent(settings(command, terminal), 'reader.simulate', {
      path: path?.replace(/^simulated:/, ''),
      action,
    })
  }
}

function milliseconds(flag: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 3_600_000) {
    throw new AppError('usage', `${flag} must be a whole number of milliseconds from 1 to 3600000`)
  }
  return value
}
