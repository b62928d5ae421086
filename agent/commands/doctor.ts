import { closeSync, openSync, readdirSync, statSync, writeSync } from 'node:fs'
import { arch, platform, release, totalmem, uptime } from 'node:os'
import { join } from 'node:path'
import { version as nodeVersion } from 'node:process'
import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import type { AgentConfig } from '../config.ts'
import { runDoctor, type Told } from '../doctor/doctor.ts'
import { fail, levels, warn, type Finding } from '../doctor/finding.ts'
import type { OutboxCondition } from '../doctor/outbox.ts'
import type { AgentStatus } from '../status.ts'
import { version } from '../version.ts'
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
      const checks = runDoctor(config, told, systemClock)
      const level = levels.findLast((one) => checks.some((check) => check.level === one)) ?? 'ok'
      if (bundle !== undefined) {
        writeBundle(bundle, {
          ...machine(config),
          level,
          checks,
          ...('status' in told ? withoutPeople(told) : {}),
        })
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

/** Who waits for a tap is nobody's business elsewhere. */
function withoutPeople({ status, condition }: Exclude<Told, { trouble: unknown }>) {
  const { enrolment, ...rest } = status
  return { status: { ...rest, enrolmentSince: enrolment?.since ?? null }, condition }
}

/** Settings hold no secrets, only where they are. */
function machine(config: AgentConfig) {
  const files = readable(() => readdirSync(config.data)).map((name) => {
    const { size, mode } = statSync(join(config.data, name), { throwIfNoEntry: false }) ?? {
      size: 0,
      mode: 0,
    }
    return { name, size, mode: (mode & 0o777).toString(8) }
  })
  return {
    writtenAt: systemClock.now(),
    version,
    node: nodeVersion,
    system: {
      platform: platform(),
      release: release(),
      arch: arch(),
      memoryBytes: totalmem(),
      uptimeSeconds: uptime(),
    },
    settings: config,
    files,
  }
}

function readable(read: () => string[]): string[] {
  try {
    return read()
  } catch {
    return []
  }
}

function writeBundle(path: string, content: unknown): void {
  try {
    const file = openSync(path, 'wx', 0o600)
    writeSync(file, `${JSON.stringify(content, null, 2)}\n`)
    closeSync(file)
  } catch (cause) {
    throw new AppError('usage', `cannot write ${path}, or it is there already`, { cause })
  }
}
