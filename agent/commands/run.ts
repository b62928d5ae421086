import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { createLog } from '../../shared/log.ts'
import { createServiceManager } from '../../shared/service-manager.ts'
import { untilAborted } from '../../shared/until-aborted.ts'
import { openAgent } from '../agent.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import { settings, type Terminal } from './context.ts'

export function addRun(program: Command, terminal: Terminal): void {
  program
    .command('run')
    .description('Read cards, keep registrations, deliver them; until stopped')
    .option(
      '--server-url <url>',
      'server that takes the registrations (default: none; registrations wait here)',
    )
    .option('--insecure-http', 'allow plain http to a server on another machine')
    .option(
      '--reader <spec>',
      'reader to use, <driver>:<path>[?option=value&…]; repeatable (see: vlt-agent reader discover, reader drivers)',
      (spec: string, all: string[] | undefined) => [...(all ?? []), spec],
    )
    .option(
      '--page-port <n>',
      'port of the kiosk page on 127.0.0.1, 0 to 65535, 0 = any free (default: 8090)',
    )
    .option('--page-px-per-mm <n>', 'pixels of a millimetre of the lobby’s screen, 2 to 20 (default: 4)')
    .option(
      '--page-secret-file <file>',
      'secret of the kiosk’s browser session (default: any browser on this machine may open the page)',
    )
    .option(
      '--client-secret-file <file>',
      'client secret of the server, to say of a card whether it is active (default: not said)',
    )
    .option('--language <es|en>', 'language of the kiosk page (default: es)')
    .option('--outbox-max-rows <n>', 'registrations that may wait here, 1 or more (default: 1000000)')
    .option('--outbox-max-mib <n>', 'largest outbox file, in MiB (default: 1024)')
    .option('--disk-floor-mib <n>', 'free disk space below which no tap is taken, in MiB (default: 64)')
    .option('--registry-username <user>', 'user of this machine at the API of the digital registry')
    .option('--registry-password-file <file>', 'file that holds its password alone; read at every attempt')
    .option('--log-level <level>', 'debug, info, warn, error or fatal (default: info)')
    .action(async (_options, command: Command) => {
      const config = settings(command, terminal)
      terminal.stopsByItself()
      const log = createLog('vlt-agent', config.logLevel)
      await using agent = await openAgent(config, systemClock, log)
      const stopped = AbortSignal.any([terminal.signal, agent.broken])
      const manager = createServiceManager(terminal.env, () => agent.alive(), systemClock, log)
      const feeding = manager.run(stopped)

      terminal.print('vlt-agent ready')
      if (agent.pageUrl !== null) terminal.say(`kiosk page: ${agent.pageUrl}`)
      await manager.ready('taking taps')
      await untilAborted(stopped)
      await feeding
      await manager.stopping()
      if (!agent.broken.aborted) return
      if (agent.broken.reason instanceof AppError) throw agent.broken.reason
      terminal.exit(exitCodes.failure)
    })
}
