import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { QueueEntry } from '../control/operations.ts'
import { exitCodes } from '../exit-codes.ts'
import { recoverOutbox } from '../outbox/recover.ts'
import { callAgentOrOutbox, settings, type Terminal } from './context.ts'

const defaultLimit = 100

export function addQueue(program: Command, terminal: Terminal): void {
  const queue = program.command('queue').description('Look after the registrations kept on this machine')
  const ask = (
    command: Command,
    method: Parameters<typeof callAgentOrOutbox>[2],
    params = {},
  ): Promise<unknown> => callAgentOrOutbox(settings(command, terminal), terminal, method, params)
  const printJson = (value: unknown): void => {
    terminal.print(JSON.stringify(value, null, 2))
  }

  queue
    .command('list')
    .description('List registrations, newest first')
    .option('--state <state>', 'only pending, delivered, dead or discarded ones')
    .option('--limit <n>', `at most so many, 1 or more`, String(defaultLimit))
    .option('--json', 'print JSON')
    .action(async (options: { state?: string; limit: string; json?: boolean }, command: Command) => {
      const limit = Number(options.limit)
      if (!Number.isInteger(limit) || limit < 1)
        throw new AppError('usage', '--limit must be a whole number from 1')
      if (options.state !== undefined && !/^(pending|delivered|dead|discarded)$/.test(options.state)) {
        throw new AppError('usage', '--state must be pending, delivered, dead or discarded')
      }
      const entries = (await ask(command, 'queue.list', { limit, state: options.state })) as QueueEntry[]
      if (options.json === true) printJson(entries)
      else if (entries.length === 0) terminal.say('The queue is empty.')
      else terminal.print(table(entries))
    })

  queue
    .command('show <id>')
    .description(
      'Show one registration whole, with the client’s data; the code on the kiosk page is enough of an id',
    )
    .option('--json', 'print JSON (what it prints anyway)')
    .action(async (id: string, _options, command: Command) => {
      printJson(await ask(command, 'queue.show', { id }))
    })

  queue
    .command('retry [id]')
    .description('Send a dead letter again, under its old key')
    .option('--all', 'all of them; also tries pending ones at once')
    .option('--json', 'print JSON')
    .action(async (id: string | undefined, options: { all?: boolean; json?: boolean }, command: Command) => {
      if ((id === undefined) === (options.all !== true)) throw new AppError('usage', 'give an id, or --all')
      const answer = (await ask(command, 'queue.retry', { id })) as { retried: number }
      if (options.json === true) printJson(answer)
      else terminal.say(`${String(answer.retried)} to be sent again.`)
    })

  queue
    .command('discard <id>')
    .description('Give a dead letter up; it stays listed as discarded, with the reason')
    .requiredOption('--reason <text>', 'why; kept with the registration')
    .action(async (id: string, options: { reason: string }, command: Command) => {
      await ask(command, 'queue.discard', { id, reason: options.reason })
      terminal.say('Discarded.')
    })

  queue
    .command('export <file>')
    .description('Write every registration as JSON, readable by this user alone; - for standard output')
    .action(async (file: string, _options, command: Command) => {
      const rows = (await ask(command, 'queue.export')) as unknown[]
      if (file === '-') {
        printJson(rows)
        return
      }
      try {
        writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
      } catch (cause) {
        throw new AppError('usage', `cannot write ${file}, or it is there already`, { cause })
      }
      terminal.say(`${String(rows.length)} registrations written to ${file}. The file holds personal data.`)
    })

  queue
    .command('verify')
    .description('Read the whole outbox and check it')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const found = (await ask(command, 'queue.verify')) as { problems: string[]; counts: unknown }
      if (options.json === true) printJson(found)
      else if (found.problems.length === 0) terminal.say('The outbox is sound.')
      else terminal.print(found.problems.join('\n'))
      if (found.problems.length === 0) return
      terminal.say('Stop the agent and run: vlt-agent queue recover')
      terminal.exit(exitCodes.failure)
    })

  queue
    .command('recover')
    .description('Way out of a damaged outbox: set its files aside, copy out what can be read')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }, command: Command) => {
      const recovery = recoverOutbox(settings(command, terminal).data, systemClock)
      if (options.json === true) printJson(recovery)
      else {
        const { recovered, lost, setAside } = recovery
        terminal.say(`${String(recovered)} registrations recovered, ${String(lost)} could not be read.`)
        terminal.say(`The damaged files are kept, unchanged, in ${setAside}`)
      }
    })
}

function table(entries: QueueEntry[]): string {
  const head = ['ID', 'STATE', 'CREATED', 'ATTEMPTS', 'LAST ERROR']
  const rows = entries.map(({ id, state, createdAt, attempts, lastError }) => [
    id,
    state,
    createdAt,
    String(attempts),
    lastError ?? '',
  ])
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [head, ...rows].map(line).join('\n')
}
