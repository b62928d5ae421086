import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError, errorTable } from '../../shared/errors.ts'
import { exitCodeOf, exitCodes } from '../../shared/exit-codes.ts'
import type { AgentConfig } from '../config.ts'
import { clockTime, completeCustomer, type Clerk, type Ending } from '../enrolment/customer/dialog.ts'
import {
  eraseDraft,
  newDraft,
  readDraft,
  saveDraft,
  type CustomerDraft,
} from '../enrolment/customer/draft.ts'
import { customerSteps } from '../enrolment/customer/steps.ts'
import { customerWordings } from '../enrolment/customer/wording.ts'
import { customerFields, customerForm, type Customer } from '../enrolment/forms/customer-account.ts'
import { wordings } from '../enrolment/wording.ts'
import type { AgentStatus } from '../status.ts'
import { ServerClient } from '../sync/client.ts'
import { version } from '../version.ts'
import { callAgent, settings, type Terminal } from './context.ts'
import { askFor, canAsk, fillIn, readObject, wrongFields } from './fill-in.ts'
import { localTime, wrap } from './layout.ts'
import { Prompt } from './prompt.ts'

interface CustomerOptions {
  from?: string
  resume?: boolean
  forget?: boolean
  json?: boolean
  input: boolean
}

const timeouts = { connectMs: 5_000, answerMs: 10_000, totalMs: 30_000 }

export function addCustomerAccount(register: Command, terminal: Terminal): void {
  register
    .command('customer-account')
    .description(
      'Make a customer account: data, a code mailed to the customer, account. Needs the server; asks for what is missing',
    )
    .option(
      '--from <file>',
      'data as JSON, the body of clienteCrear, with codigo once the mail is there; - for standard input',
    )
    .option('--resume', 'go on with what was begun; kept for 24 hours, without the password')
    .option('--forget', 'erase what was begun')
    .option('--server-url <url>', 'server (default: that of the running agent)')
    .option('--insecure-http', 'allow plain http to a server on another machine')
    .option('--language <es|en>', 'language of questions and outcomes (default: es)')
    .option('--no-input', 'never ask; fail where data is missing')
    .option('--json', 'print the outcome as JSON: {state, receipt, error}')
    .addHelpText(
      'after',
      '\nExit codes: 0 account made, 1 refused, 2 data incomplete or wrong, 6 not finished: go on with --resume' +
        '\n(also: the account is there, but an answer was lost), 8 taken, or another registration was begun.',
    )
    .action(async (options: CustomerOptions, command: Command) => {
      const config = settings(command, terminal)
      const texts = customerWordings[config.language]
      if (options.forget === true) {
        eraseDraft(config.data)
        terminal.say(texts.forgotten)
        return
      }
      const serverUrl = config.serverUrl ?? (await serverOfAgent(config))
      const { draft, password, codigo } = await begin(options, config, terminal)
      await using client = new ServerClient(serverUrl, version, timeouts)
      const ending = await completeCustomer(draft, {
        steps: customerSteps(client, terminal.signal),
        clerk: clerkAt(terminal, config, options, draft, { password, codigo }),
        language: config.language,
        nowMs: () => Date.parse(systemClock.now()),
        save: (changed) => {
          saveDraft(config.data, changed)
        },
      }).catch((error: unknown) => {
        terminal.say(texts.kept)
        if (!(error instanceof AppError) || error.code !== 'interrupted') throw error
        throw new AppError('interrupted', 'interrupted', { cause: error })
      })
      if (ending.state === 'registered' || ending.state === 'unconfirmed') eraseDraft(config.data)
      report(ending, options, config, terminal)
    })
}

interface Begun {
  draft: CustomerDraft
  /** From the file alone: it is never kept. */
  password: unknown
  codigo: unknown
}

async function begin(options: CustomerOptions, config: AgentConfig, terminal: Terminal): Promise<Begun> {
  const now = systemClock.now()
  const { codigo, ...given } = options.from === undefined ? {} : await readObject(options.from, terminal)
  const earlier = readDraft(config.data, now)
  if (options.resume === true) {
    if (earlier === undefined) throw new AppError('draft-missing', 'there is nothing to go on with')
    const { password, ...more } = given
    earlier.customer = { ...earlier.customer, ...more }
    return { draft: earlier, password, codigo }
  }
  if (earlier !== undefined) await giveUp(earlier, options, config, terminal)
  const { password, ...customer } = await fillIn(customerForm, given, options, config, terminal)
  const draft = newDraft(customer, now)
  saveDraft(config.data, draft)
  return { draft, password, codigo }
}

/** One registration at a time: what was begun before is erased only by whoever says so. */
async function giveUp(
  { savedAt }: CustomerDraft,
  options: CustomerOptions,
  config: AgentConfig,
  terminal: Terminal,
): Promise<void> {
  const texts = customerWordings[config.language]
  const unfinished = texts.unfinished(localTime(savedAt))
  if (!canAsk(options, terminal)) throw new AppError('draft-waiting', unfinished)
  terminal.say(unfinished)
  using prompt = new Prompt(terminal.stdin, terminal.errorStream)
  const answer = (await prompt.ask(texts.startOver)).trim()
  if (!wordings[config.language].yes.test(answer)) throw new AppError('draft-waiting', unfinished)
  eraseDraft(config.data)
}

async function serverOfAgent(config: AgentConfig): Promise<string> {
  const none = new AppError('server-not-configured', 'no server is set, and no agent runs that knows one')
  const status = (await callAgent(config, 'status', {}).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'agent-unreachable') throw none
    throw error
  })) as AgentStatus
  if (status.server.url === null) throw none
  return status.server.url
}

/** Asks at the terminal; where nobody can be asked, the file is all there is. */
function clerkAt(
  terminal: Terminal,
  config: AgentConfig,
  options: CustomerOptions,
  draft: CustomerDraft,
  given: { password: unknown; codigo: unknown },
): Clerk {
  const mayAsk = canAsk(options, terminal)
  const texts = customerWordings[config.language]
  let { password, codigo } = given
  const retype = async (fields: readonly string[]): Promise<void> => {
    const asked = customerFields.filter(({ name }) => fields.includes(name))
    const all: Customer = await askFor(customerForm, { ...draft.customer, password }, asked, config, terminal)
    const { password: typed, ...customer } = all
    password = typed
    draft.customer = customer
  }
  return {
    say: terminal.say,
    async code() {
      if (codigo !== undefined) {
        const once = typeof codigo === 'number' ? String(codigo) : codigo
        codigo = undefined
        // What is no text is no code.
        return typeof once === 'string' ? once : '?'
      }
      if (!mayAsk) return undefined
      using prompt = new Prompt(terminal.stdin, terminal.errorStream)
      return await prompt.ask(texts.code)
    },
    async password() {
      const checked = customerForm.check({ ...draft.customer, password })
      if ('complaints' in checked) {
        if (!mayAsk) throw wrongFields(checked.complaints, config)
        await retype(checked.complaints.map(({ field }) => field))
      }
      return String(password)
    },
    async again(fields) {
      const known = fields.filter((field) => customerFields.some(({ name }) => name === field))
      if (!mayAsk || known.length === 0) return false
      await retype(known)
      return true
    },
  }
}

function report(ending: Ending, options: CustomerOptions, config: AgentConfig, terminal: Terminal): void {
  const texts = customerWordings[config.language]
  const code =
    ending.state === 'unconfirmed' ? 'delivered-unconfirmed' : 'error' in ending ? ending.error : null
  if (options.json === true) {
    const receipt = ending.state === 'registered' ? { id: ending.customerId } : null
    const error = code === null ? null : { code, hint: errorTable[code].hint }
    terminal.print(JSON.stringify({ state: ending.state, receipt, error }))
  } else {
    const said = {
      registered: texts.created,
      unconfirmed: texts.existsAlready,
      saved: '',
      rejected: texts.rejected,
    }[ending.state]
    if (said !== '') terminal.print(wrap(said, ''))
  }
  if (ending.state === 'saved') {
    if (ending.untilMs !== undefined) terminal.say(texts.waitUntil(clockTime(ending.untilMs)))
    else if (ending.error !== 'code-needed') terminal.say(`${texts.away} (${ending.error})`)
  }
  if (ending.state === 'saved' || ending.state === 'rejected') terminal.say(texts.kept)
  terminal.exit(exitCodeOfEnding(ending))
}

function exitCodeOfEnding(ending: Ending) {
  switch (ending.state) {
    case 'registered':
      return exitCodes.ok
    case 'unconfirmed':
    case 'saved':
      return exitCodes.savedNotConfirmed
    case 'rejected':
      return exitCodeOf[ending.error]
  }
}
