import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import type { AgentConfig } from '../config.ts'
import { diagnose, writeBundle } from '../doctor/bundle.ts'
import type { Told } from '../doctor/doctor.ts'
import { fail, warn, type Finding } from '../doctor/finding.ts'
import type { OutboxCondition } from '../doctor/outbox.ts'
import type { AgentStatus } from '../status.ts'
import { reachOutbox, settings, type Terminal } from './context.ts'
import { wrap } from './layout.ts'

/** `vlt-agent doctor` */
export function addDoctor(program: Command, terminal: Terminal): void {
  program
    .command('doctor')
    .description(
      'Check what the agent stands on: machine, disk, outbox, keys, readers, server; works while the agent is stopped ' +
        'too. Prints no secret and nothing of a person; ends with 1 when something failed',
    )
    .option('--json', 'print {level, checks: [{id, level, detail, hint}]}')
    .option(
      '--bundle <file>',
      'also write everything a helper needs to a JSON file: no personal data, no secrets',
    )
    .action(async ({ json, bundle }: { json?: boolean; bundle?: string }, command: Command) => {
      const config = settings(command, terminal)
      const told = await ask(config, terminal)
      const report = diagnose(config, told, systemClock)
      const { level, checks } = report
      if (bundle !== undefined) {
        writeBundle(bundle, report)
        terminal.say(`Written to ${bundle}.`)
      }
      if (json === true) terminal.print(JSON.stringify({ level, checks }, null, 2))
      else for (const check of checks) terminal.print(describe(check))
      if (level === 'fail') terminal.exit(exitCodes.failure)
    })
}

async function ask(config: AgentConfig, terminal: Terminal): Promise<Told> {
  try {
    await using outbox = await reachOutbox(config, terminal)
    const status = (await outbox.ask('status')) as AgentStatus
    return { status, condition: (await outbox.ask('doctor')) as OutboxCondition }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (error.code === 'agent-unreachable')
      return { trouble: warn('agent', 'neither agent nor outbox', error.hint) }
    return { trouble: fail('outbox', `${error.code}: ${error.message}`, error.hint) }
  }
}

function describe({ id, level, detail, hint }: Finding): string {
  const line = `${level.padEnd(4)}  ${id.padEnd(19)}  ${detail}`
  return hint === '' ? line : `${line}\n${wrap(`-> ${hint}`, '      ')}`
}
