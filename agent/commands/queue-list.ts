import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import type { Command } from 'commander'
import { AppError, nativeCode } from '../../shared/errors.ts'
import { pageSize, type QueueEntry, type WholeEntry } from '../control/queue-operations.ts'
import type { Actor } from '../outbox/audit.ts'
import { actorOf, reachOutbox, settings, type Operations, type Terminal } from './context.ts'

/** `queue list`, `show` and `export`. */
export function addQueueReading(queue: Command, terminal: Terminal): void {
  queue
    .command('list')
    .description('List registrations, newest first')
    .option('--state <state>', 'only pending, delivered, dead, discarded or lost ones')
    .option('--limit <n>', 'at most so many, 1 or more (default: all)')
    .option('--json', 'print JSON')
    .action(async (options: { state?: string; limit?: string; json?: boolean }, command: Command) => {
      const limit = options.limit === undefined ? Number.POSITIVE_INFINITY : Number(options.limit)
      if (!(limit >= 1) || (options.limit !== undefined && !Number.isInteger(limit))) {
        throw new AppError('usage', '--limit must be a whole number from 1')
      }
      if (options.state !== undefined && !/^(pending|delivered|dead|discarded|lost)$/.test(options.state)) {
        throw new AppError('usage', '--state must be pending, delivered, dead, discarded or lost')
      }
      await using outbox = await reachOutbox(settings(command, terminal), terminal)
      const entries = take(limit, newestFirst(outbox, options.state))
      if (options.json === true) await printArray(entries, terminal.print)
      else if (!(await printTable(entries, terminal))) terminal.say('There is none.')
    })

  queue
    .command('show <id>')
    .description(
      'Show one registration whole, with the client’s data but no password, and what to do about its error; the code on the kiosk page is enough of an id',
    )
    .option('--json', 'print JSON (what it prints anyway)')
    .action(async (id: string, _options, command: Command) => {
      await using outbox = await reachOutbox(settings(command, terminal), terminal)
      terminal.print(JSON.stringify(await outbox.ask('queue.show', { id }), null, 2))
    })

  queue
    .command('export <file>')
    .description('Write every registration as JSON, readable by this user alone; - for standard output')
    .action(async (file: string, _options, command: Command) => {
      await using outbox = await reachOutbox(settings(command, terminal), terminal)
      if (file === '-') {
        await printArray(oldestFirst(outbox, actorOf(terminal)), terminal.print)
        return
      }
      const written = await writeArray(oldestFirst(outbox, actorOf(terminal)), file)
      terminal.say(`${String(written)} registrations written to ${file}. The file holds personal data.`)
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

export async function* oldestFirst(outbox: Operations, actor: Actor): AsyncGenerator<WholeEntry> {
  let afterSeq = 0
  for (;;) {
    const page = (await outbox.ask('queue.export', { afterSeq, actor })) as WholeEntry[]
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

/** A new file for its owner alone, whole or not there. Throws `usage` or `disk-full`. */
export async function writeArray(items: AsyncIterable<unknown>, file: string): Promise<number> {
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
