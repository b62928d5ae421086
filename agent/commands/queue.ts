import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError, nativeCode } from '../../shared/errors.ts'
import { pageSize, type QueueEntry, type WholeEntry } from '../control/operations.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import { recoverOutbox } from '../outbox/recover.ts'
import { reachOutbox, settings, type Operations, type Terminal } from './context.ts'

export function addQueue(program: Command, terminal: Terminal): void {
  const queue = program.command('queue').description('Look after the registrations kept on this machine')
  const ask = async (
    command: Command,
    method: Parameters<Operations['ask']>[0],
    params = {},
  ): Promise<unknown> => {
    await using outbox = await reachOutbox(settings(command, terminal), terminal)
    return await outbox.ask(method, params)
  }
  const printJson = (value: unknown): void => {
    terminal.print(JSON.stringify(value, null, 2))
  }

  queue
    .command('list')
    .description('List registrations, newest first')
    .option('--state <state>', 'only pending, delivered, dead or discarded ones')
    .option('--limit <n>', 'at most so many, 1 or more (default: all)')
    .option('--json', 'print JSON')
    .action(async (options: { state?: string; limit?: string; json?: boolean }, command: Command) => {
      const limit = options.limit === undefined ? Number.POSITIVE_INFINITY : Number(options.limit)
      if (!(limit >= 1) || (options.limit !== undefined && !Number.isInteger(limit))) {
        throw new AppError('usage', '--limit must be a whole number from 1')
      }
      if (options.state !== undefined && !/^(pending|delivered|dead|discarded)$/.test(options.state)) {
        throw new AppError('usage', '--state must be pending, delivered, dead or discarded')
      }
      await using outbox = await reachOutbox(settings(command, terminal), terminal)
      const entries = take(limit, newestFirst(outbox, options.state))
      if (options.json === true) await printArray(entries, terminal.print)
      else if (!(await printTable(entries, terminal))) terminal.say('There is none.')
    })

  queue
    .command('show <id>')
    .description(
      'Show one registration whole, with the client’s data but no password; the code on the kiosk page is enough of an id',
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
      await using outbox = await reachOutbox(settings(command, terminal), terminal)
      if (file === '-') {
        await printArray(oldestFirst(outbox), terminal.print)
        return
      }
      const written = await writeArray(oldestFirst(outbox), file)
      terminal.say(`${String(written)} registrations written to ${file}. The file holds personal data.`)
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

/** Page by page: a backlog of months is never in memory at once. */
async function* newestFirst(outbox: Operations, state: string | undefined): AsyncGenerator<QueueEntry> {
  let beforeSeq: number | undefined
  for (;;) {
    const page = (await outbox.ask('queue.list', { state, beforeSeq })) as QueueEntry[]
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    beforeSeq = last.seq
  }
}

async function* oldestFirst(outbox: Operations): AsyncGenerator<WholeEntry> {
  let afterSeq = 0
  for (;;) {
    const page = (await outbox.ask('queue.export', { afterSeq })) as WholeEntry[]
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    afterSeq = last.seq
  }
}

async function* take<T>(limit: number, items: AsyncIterable<T>): AsyncGenerator<T> {
  let left = limit
  for await (const item of items) {
    if (left-- <= 0) return
    yield item
  }
}

/** One JSON array, an element a line; answers how many. */
async function printArray(items: AsyncIterable<unknown>, print: (line: string) => void): Promise<number> {
  let count = 0
  let previous: string | undefined
  for await (const item of items) {
    print(previous === undefined ? '[' : `${previous},`)
    previous = JSON.stringify(item)
    count += 1
  }
  print(previous === undefined ? '[]' : `${previous}\n]`)
  return count
}

async function writeArray(items: AsyncIterable<unknown>, file: string): Promise<number> {
  let descriptor: number
  try {
    descriptor = openSync(file, 'wx', 0o600)
  } catch (cause) {
    throw new AppError('usage', `cannot write ${file}, or it is there already`, { cause })
  }
  try {
    return await printArray(items, (line) => {
      writeSync(descriptor, `${line}\n`)
    })
  } catch (error) {
    // Half an export would look like a whole one.
    rmSync(file, { force: true })
    if (nativeCode(error) === 'ENOSPC')
      throw new AppError('disk-full', `no room for ${file}`, { cause: error })
    throw error
  } finally {
    closeSync(descriptor)
  }
}

/** Every column but the last has a width of its own: ids, states and times are all of one length. */
async function printTable(entries: AsyncIterable<QueueEntry>, terminal: Terminal): Promise<boolean> {
  const line = (...[id, system, state, created, attempts, error]: string[]): string =>
    [id?.padEnd(36), system?.padEnd(16), state?.padEnd(9), created?.padEnd(24), attempts?.padStart(8), error]
      .join('  ')
      .trimEnd()
  let isEmpty = true
  for await (const { id, system, state, createdAt, attempts, lastError } of entries) {
    if (isEmpty) terminal.print(line('ID', 'SYSTEM', 'STATE', 'CREATED', 'ATTEMPTS', 'LAST ERROR'))
    isEmpty = false
    terminal.print(line(id, system, state, createdAt, String(attempts), lastError ?? ''))
  }
  return !isEmpty
}
