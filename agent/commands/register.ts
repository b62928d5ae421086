import type { Command } from 'commander'
import { errorTable } from '../../shared/errors.ts'
import { registrationAnswer } from '../../shared/contracts/digital-registry.ts'
import type { AgentConfig } from '../config.ts'
import { queuedForms, type QueuedSystem } from '../enrolment/forms/queued.ts'
import type { Outcome } from '../enrolment/registrar.ts'
import { wordings } from '../enrolment/wording.ts'
import { reachOutbox, settings, type Terminal } from './context.ts'
import { addEnroll, exitCodeFor, wholeSeconds } from './enroll.ts'
import { fillIn, readObject } from './fill-in.ts'
import { wrap } from './layout.ts'
import { addCustomerAccount } from './register-customer.ts'

interface RegisterOptions {
  from?: string
  wait: string
  json?: boolean
  input: boolean
}

export function addRegister(program: Command, terminal: Terminal): void {
  const register = program.command('register').description('Register people with any of the four systems')
  addEnroll(register, terminal, 'vlt-client')
  addCustomerAccount(register, terminal)
  addQueued(
    register,
    terminal,
    'digital-registry',
    'digital-registry',
    'Register a person with the digital registry; prints the link on which they go on',
  )
  addQueued(
    register,
    terminal,
    'user-account',
    'user-accounts',
    'Make a user account; the token in the answer is neither shown nor kept',
  )
}

function addQueued(
  register: Command,
  terminal: Terminal,
  name: string,
  system: QueuedSystem,
  description: string,
): void {
  register
    .command(name)
    .description(`${description}. Asks for what is missing; works without agent and server too`)
    .option('--from <file>', 'data as JSON, the body of the API document; - for standard input')
    .option(
      '--wait <s>',
      'how long to wait for the server, 0 to 3600 seconds; then it is sent by itself',
      '5',
    )
    .option('--server-url <url>', 'server, where no agent runs')
    .option('--insecure-http', 'allow plain http to a server on another machine')
    .option('--language <es|en>', 'language of questions and outcomes (default: es)')
    .option('--no-input', 'never ask; fail where data is missing')
    .option('--json', 'print the outcome as JSON: {state, registrationId, receipt, error}')
    .addHelpText(
      'after',
      '\nExit codes: 0 confirmed by the server, 1 refused by the server, 2 data incomplete or wrong,' +
        '\n6 saved but not confirmed (also: the server has it, but an answer was lost), 8 taken by somebody else.',
    )
    .action(async (options: RegisterOptions, command: Command) => {
      const config = settings(command, terminal)
      const waitMs = wholeSeconds('--wait', options.wait, 0) * 1000
      const given = options.from === undefined ? {} : await readObject(options.from, terminal)
      const body = await fillIn(queuedForms[system], given, options, config, terminal)
      let saved: Outcome | undefined
      const onEvent = (event: unknown): void => {
        saved = event as Outcome
      }
      await using outbox = await reachOutbox(config, terminal, { deliver: true })
      const outcome = (await outbox
        .ask('register', { system, body, waitMs }, onEvent, waitMs)
        // Interrupted, or the agent stopped, after it was on the disk: that it is saved must not be hidden.
        .catch((error: unknown) => saved ?? Promise.reject(error as Error))) as Outcome
      if (options.json === true) terminal.print(JSON.stringify(outcome))
      else sayOutcome(outcome, system, config, terminal)
      const isTaken = outcome.error?.code === 'account-taken'
      terminal.exit(exitCodeFor[isTaken ? 'duplicate' : outcome.state])
    })
}

function sayOutcome(
  { state, registrationId, receipt, error }: Outcome,
  system: QueuedSystem,
  { language }: AgentConfig,
  terminal: Terminal,
): void {
  const { outcomes, outcomesOf, nextSteps, link } = wordings[language]
  const text = outcomesOf[system]?.[state] ?? outcomes[state]
  terminal.print(wrap(`${text}${registrationId === null ? '' : ` (${registrationId})`}`, ''))
  const answer = registrationAnswer.shape.data.safeParse((receipt as { data?: unknown } | null)?.data)
  if (answer.success) terminal.print(`${link}\n${answer.data.Url}`)
  // That it is unconfirmed, and what to do about it, is the text itself.
  if (error === null || state === 'unconfirmed') return
  terminal.say(wrap(`${error.code}: ${nextSteps[error.code] ?? errorTable[error.code].hint}`, ''))
}
