import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { createLog } from '../../shared/log.ts'
import { readPassword } from '../../shared/read-password.ts'
import { OperatorAudit } from '../page/operator/audit.ts'
import { setPin } from '../page/operator/pin.ts'
import { settings, type Terminal } from './context.ts'

export function addPage(program: Command, terminal: Terminal): void {
  const page = program.command('page').description('The lobby screen')
  page
    .command('pin')
    .description('Set the PIN of the operator’s area, 6 to 12 digits; asked for twice, or from a file')
    .option('--file <file>', 'file that holds the PIN as its only line, - for standard input')
    .action(async ({ file }: { file?: string }, command: Command) => {
      const config = settings(command, terminal)
      if (file === undefined && !terminal.stdin.isTTY)
        throw new AppError('usage', 'run it on a terminal, or give --file FILE (- for standard input)')
      const pin = await readPassword(file, { ...terminal, stop: terminal.signal }, 'PIN')
      await setPin(config.data, pin)
      new OperatorAudit(config.data, systemClock, createLog('vlt-agent', 'error')).write({ event: 'pin-set' })
      terminal.say('The PIN is set; it holds from the next try on.')
    })
}
