import type { Command } from 'commander'
import { parseCardUid } from '../../shared/card-uid.ts'
import { AppError } from '../../shared/errors.ts'
import type { AgentConfig } from '../config.ts'
import { clientJson, type ClientData } from '../enrolment/client-data.ts'
import { vltClientForm } from '../enrolment/forms/vlt-client.ts'
import { isList } from '../enrolment/list/records.ts'
import type { Remark } from '../control/operations.ts'
import type { Outcome } from '../enrolment/registrar.ts'
import { wordings } from '../enrolment/wording.ts'
import { exitCodes, type ExitCode } from '../../shared/exit-codes.ts'
import { enrolList } from './enroll-list.ts'
import { callAgent, reachOutbox, settings, type Terminal } from './context.ts'
import { fillIn, readObject, wrongFields } from './fill-in.ts'
import { wrap } from './layout.ts'

interface EnrollOptions {
  from?: string
  card?: string
  wait?: boolean
  timeout: string
  dryRun?: boolean
  cancel?: boolean
  json?: boolean
  input: boolean
}

/** `enroll`, and the same under the name that `register` has for it. */
export function addEnroll(program: Command, terminal: Terminal, name = 'enroll'): void {
  program
    .command(name)
    .description('Register a client with the next card tapped, or with --card; asks for what is missing')
    .option(
      '--from <file>',
      'client data as JSON, the body of the API document without tarjeta; - for standard input; ' +
        'or a whole list with tarjeta, as FILE.csv or FILE.jsonl',
    )
    .option('--card <uid>', 'UID of the card, hex, instead of a tap; works while the agent is stopped too')
    .option('--wait', 'return with the outcome, not as soon as the enrolment waits for its tap')
    .option('--timeout <s>', 'how long the enrolment waits for its tap, 1 to 3600 seconds', '120')
    .option('--dry-run', 'only check the list, row by row')
    .option('--cancel', 'drop every enrolment that waits for a tap')
    .option('--server-url <url>', 'server, where no agent runs and --card is given')
    .option('--insecure-http', 'allow plain http to a server on another machine')
    .option('--language <es|en>', 'language of questions and outcomes (default: es)')
    .option('--no-input', 'never ask; fail where data is missing')
    .option('--json', 'print the outcome as JSON: {state, registrationId, receipt, error}')
    .addHelpText(
      'after',
      '\nExit codes: 0 waiting or confirmed by the server, 1 not registered, 2 data incomplete or wrong,' +
        '\n4 no agent, 6 saved but not confirmed within 5 s, 8 card registered before.',
    )
    .action(async (options: EnrollOptions, command: Command) => {
      const config = settings(command, terminal)
      if (options.cancel === true) {
        const { cancelled } = (await callAgent(config, 'enroll.cancel', {})) as { cancelled: number }
        terminal.say(`${String(cancelled)} waiting enrolments dropped.`)
        return
      }
      if (options.from !== undefined && isList(options.from)) {
        if (options.card !== undefined || options.wait === true) {
          throw new AppError('usage', 'a list goes with neither --card nor --wait')
        }
        await enrolList(options.from, options, config, terminal)
        return
      }
      if (options.dryRun === true) throw new AppError('usage', '--dry-run is for lists: --from FILE.csv')
      const timeoutMs = wholeSeconds('--timeout', options.timeout, 1) * 1000
      const { client, card } = await clientData(options, config, terminal)
      const outcome = await enrol(config, terminal, options, clientJson(client), card, timeoutMs)
      report(outcome, options, config, terminal)
    })
}

/** Beyond the time for the tap: what the agent may take for everything else. */
const patienceMs = 60_000

type Reported = Outcome | (Omit<Outcome, 'state'> & { state: 'waiting' })

async function enrol(
  config: AgentConfig,
  terminal: Terminal,
  { wait = false }: EnrollOptions,
  client: string,
  card: string | undefined,
  timeoutMs: number,
): Promise<Reported> {
  const sayWaiting = (): void => {
    terminal.say(wordings[config.language].waiting(timeoutMs / 1000))
  }
  let soFar: Reported | undefined
  const onEvent = (event: unknown): void => {
    const said = event as Reported | Remark
    if ('remark' in said) {
      terminal.say(wrap(wordings[config.language].random, ''))
      return
    }
    soFar = said
    if (soFar.state === 'waiting') sayWaiting()
  }
  try {
    if (card !== undefined) {
      await using outbox = await reachOutbox(config, terminal, { deliver: true })
      return (await outbox.ask('enroll.card', { client, card }, onEvent)) as Outcome
    }
    const options = { onEvent, signal: terminal.signal, timeoutMs: timeoutMs + patienceMs }
    const answer = (await callAgent(config, 'enroll.start', { client, timeoutMs, wait }, options)) as Reported
    if (!wait) sayWaiting()
    return answer
  } catch (error) {
    // Interrupted, or the agent stopped, after the registration was on the disk: that it is saved must not be hidden.
    if (soFar?.state === 'saved') return soFar
    if (error instanceof AppError && error.code === 'card-random') {
      throw new AppError('card-random', wordings[config.language].randomCard, { cause: error })
    }
    throw error
  }
}

function report(outcome: Reported, options: EnrollOptions, config: AgentConfig, terminal: Terminal): void {
  if (options.json === true) {
    terminal.print(JSON.stringify(outcome))
  } else if (outcome.state !== 'waiting') {
    const id = outcome.registrationId === null ? '' : ` (${outcome.registrationId})`
    terminal.print(`${wordings[config.language].outcomes[outcome.state]}${id}`)
    if (outcome.error !== null) terminal.say(`${outcome.error.code}: ${outcome.error.hint}`)
  }
  terminal.exit(exitCodeFor[outcome.state])
}

export const exitCodeFor: Record<Reported['state'], ExitCode> = {
  waiting: exitCodes.ok,
  registered: exitCodes.ok,
  saved: exitCodes.savedNotConfirmed,
  unconfirmed: exitCodes.savedNotConfirmed,
  duplicate: exitCodes.duplicate,
  rejected: exitCodes.failure,
}

/** The client's data from file and answers; `tarjeta` in the file counts as --card. */
async function clientData(
  options: EnrollOptions,
  config: AgentConfig,
  terminal: Terminal,
): Promise<{ client: ClientData; card: string | undefined }> {
  const { tarjeta, ...given } = options.from === undefined ? {} : await readObject(options.from, terminal)
  // What is no text is no UID either; '' is refused as one.
  const card = options.card ?? (tarjeta === undefined || typeof tarjeta === 'string' ? tarjeta : '')
  if (card !== undefined && 'fault' in parseCardUid(card)) throw wrongCard(config)
  return { client: await fillIn(vltClientForm, given, options, config, terminal), card }
}

function wrongCard(config: AgentConfig): AppError {
  return wrongFields([{ field: 'tarjeta', rule: 'card', message: 'no UID of a card' }], config)
}

export function wholeSeconds(flag: string, text: string, min: number): number {
  const value = Number(text)
  if (!/^\d{1,4}$/.test(text) || value < min || value > 3600) {
    throw new AppError('usage', `${flag} must be a whole number of seconds from ${String(min)} to 3600`)
  }
  return value
}
