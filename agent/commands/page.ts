import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { createLog } from '../../shared/log.ts'
import { readPassword } from '../../shared/read-password.ts'
import { showPage, type BrowserSession } from '../page/browser-session.ts'
import { OperatorAudit } from '../page/operator/audit.ts'
import { setPin } from '../page/operator/pin.ts'
import { readPageSecret } from '../page/secret.ts'
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
  page
    .command('show')
    .description('Show the page in a browser and watch that it lives: what vlt-kiosk-page.service runs')
    .option('--page-port <n>', 'port of the page, as the agent has it (default: 8090)')
    .option('--page-secret-file <file>', 'secret of the session, the same file as the agent has')
    .argument('<browser...>', 'browser and its arguments, after --; the address of the page follows')
    .addHelpText(
      'after',
      '\nEnds with 1 when the page says nothing any more, so that a supervisor begins anew.',
    )
    .action(async (browser: string[], _options, command: Command) => {
      const config = settings(command, terminal)
      terminal.stopsByItself()
      const { pageSecretFile, pagePort } = config
      const session: BrowserSession = {
        url: `http://127.0.0.1:${String(pagePort)}/`,
        secret: pageSecretFile === undefined ? undefined : readPageSecret(config.data, pageSecretFile),
        runtime: terminal.env['RUNTIME_DIRECTORY'] ?? '.',
        command: browser,
      }
      await showPage(session, systemClock, terminal.signal)
    })
}
