import type { Command } from 'commander'
import { AppError } from '../../shared/errors.ts'
import type { WholeEntry } from '../control/queue-operations.ts'
import type { Complaint } from '../enrolment/forms/form.ts'
import type { AuditEntry } from '../outbox/audit.ts'
import { actorOf, reachOutbox, settings, type Operations, type Terminal } from './context.ts'
import { readObjectText, wrongFields } from './fill-in.ts'
import { localTime } from './layout.ts'
import { Prompt } from './prompt.ts'

/** What people do about dead letters: `queue retry`, `fix`, `discard`, `audit`. */
export function addQueueLetters(queue: Command, terminal: Terminal): void {
  const reach = (command: Command): Promise<Operations> => reachOutbox(settings(command, terminal), terminal)
  const actor = () => actorOf(terminal)

  queue
    .command('retry [id]')
    .description('Send a dead letter again, under its old key')
    .option('--all', 'all of them; also tries pending ones at once')
    .option('--cause <code>', 'all that were refused for this cause, such as rejected-invalid')
    .option('--json', 'print JSON')
    .action(async (id: string | undefined, options: RetryOptions, command: Command) => {
      const { all, cause, json } = options
      if ([id, all, cause].filter((way) => way !== undefined).length !== 1)
        throw new AppError('usage', 'give an id, or --all, or --cause')
      await using outbox = await reach(command)
      const answer = (await outbox.ask('queue.retry', { id, cause, actor: actor() })) as { retried: number }
      if (json === true) terminal.print(JSON.stringify(answer, null, 2))
      else terminal.say(`${String(answer.retried)} to be sent again.`)
    })

  queue
    .command('fix <id>')
    .description(
      'Correct the data of a dead letter and send it again, under its old key. Asks field by field; ENTER keeps a value',
    )
    .option('--from <file>', 'the whole corrected body, as `queue show` prints it; - for standard input')
    .action(async (id: string, { from }: { from?: string }, command: Command) => {
      await using outbox = await reach(command)
      const letter = (await outbox.ask('queue.show', { id })) as WholeEntry
      if (letter.state !== 'dead')
        throw new AppError('registration-settled', `registration ${id} is ${letter.state}, not a dead letter`)
      const fixed =
        from === undefined ? await askFields(letter, terminal) : await readObjectText(from, terminal)
      await outbox.ask('queue.fix', { id, body: fixed, actor: actor() }).catch((error: unknown) => {
        if (!(error instanceof AppError && error.code === 'input-invalid')) throw error
        throw wrongFields(error.fields as Complaint[], settings(command, terminal))
      })
      terminal.say('Corrected; to be sent again.')
    })

  queue
    .command('discard <id>')
    .description('Give a dead letter up; it stays listed as discarded, with the reason')
    .requiredOption('--reason <text>', 'why; kept with the registration')
    .action(async (id: string, { reason }: { reason: string }, command: Command) => {
      if (reason.trim() === '') throw new AppError('usage', '--reason must say why')
      await using outbox = await reach(command)
      await outbox.ask('queue.discard', { id, reason, actor: actor() })
      terminal.say('Discarded.')
    })

  queue
    .command('audit')
    .description('What people did to the outbox, newest first: who, when, what, which registration')
    .option('--limit <n>', 'at most so many, 1 or more', '100')
    .option('--json', 'print JSON')
    .action(async ({ limit, json }: { limit: string; json?: boolean }, command: Command) => {
      if (!/^[1-9]\d{0,6}$/.test(limit)) throw new AppError('usage', '--limit must be a whole number from 1')
      await using outbox = await reach(command)
      const entries = (await outbox.ask('queue.audit', { limit: Number(limit) })) as AuditEntry[]
      if (json === true) terminal.print(JSON.stringify(entries, null, 2))
      else if (entries.length === 0) terminal.say('There is nothing yet.')
      for (const { at, user, action, registration, detail } of json === true ? [] : entries) {
        const what = [action, registration, detail].filter((part) => part !== null)
        terminal.print(`${localTime(at)}  ${user.padEnd(16)}  ${what.join('  ')}`)
      }
    })
}

interface RetryOptions {
  all?: boolean
  cause?: string
  json?: boolean
}

/** Field by field, on a terminal. A number or yes/no stays one. */
async function askFields({ body, lastError, hint }: WholeEntry, terminal: Terminal): Promise<string> {
  const { stdin, errorStream } = terminal
  if (!stdin.isTTY)
    throw new AppError('usage', 'give the corrected body with --from, or run this on a terminal')
  if (lastError !== null) terminal.say(`${lastError}: ${hint ?? ''}`)
  using prompt = new Prompt(stdin, errorStream)
  const fixed: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(body as Record<string, unknown>)) {
    const shown = typeof value === 'string' ? value : JSON.stringify(value)
    const answer = (await prompt.ask(`${field} [${shown}]: `)).trim()
    if (answer === '') fixed[field] = value
    else fixed[field] = typeof value === 'string' ? answer : jsonOr(answer)
  }
  return JSON.stringify(fixed)
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
