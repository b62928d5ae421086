#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8'
import { Command, CommanderError } from 'commander'
import { AppError, nativeCode } from '../shared/errors.ts'
import type { Terminal } from './commands/context.ts'
import { addDoctor } from './commands/doctor.ts'
import { addEnroll } from './commands/enroll.ts'
import { addKeys } from './commands/keys.ts'
import { addJoin } from './commands/join.ts'
import { addLeave } from './commands/leave.ts'
import { addPage } from './commands/page.ts'
import { addQueue } from './commands/queue.ts'
import { addReader } from './commands/reader.ts'
import { addRegister } from './commands/register.ts'
import { addRun } from './commands/run.ts'
import { addStatus } from './commands/status.ts'
import { exitCodeOf, exitCodes } from '../shared/exit-codes.ts'
import { version } from './version.ts'

/** How long a command that was interrupted may take to say how things stand. */
const endWithinMs = 1_000

const stop = new AbortController()
let stopsByItself = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // The second one is meant: at once, with nothing lost, since every commit is on the disk already.
    if (stop.signal.aborted) process.exit(exitCodes.failure)
    stop.abort()
    if (!stopsByItself) setTimeout(() => process.exit(exitCodes.failure), endWithinMs).unref()
  })
}
process.stdout.on('error', (error: Error) => {
  // A reader of our output that has gone (`| head`) is no failure; a full disk is.
  if (nativeCode(error) === 'EPIPE') process.exit()
  terminal.say(`error: the output could not be written (${error.message})`)
  process.exit(exitCodes.failure)
})
// Talk that nobody hears is no reason to end.
process.stderr.on('error', () => undefined)

const terminal: Terminal = {
  env: process.env,
  stdin: process.stdin,
  errorStream: process.stderr,
  print: (text) => process.stdout.write(`${text}\n`),
  say: (text) => process.stderr.write(`${text}\n`),
  signal: stop.signal,
  exit: (code) => {
    process.exitCode = code
  },
  stopsByItself: () => {
    stopsByItself = true
  },
  // Otherwise V8 lets garbage grow to ten times of what is used.
  savesMemory: () => {
    setFlagsFromString('--semi-space-growth-factor=1')
    setFlagsFromString('--optimize-for-size')
  },
}

const program = new Command('vlt-agent')
  .description(
    'Lobby agent: reads cards, keeps registrations safe on this machine, delivers them to the server',
  )
  .version(version)
  .option('--data <dir>', 'data folder of the agent (default: var/agent)')
  .option('--outbox-key-file <file>', 'file with the secret that wraps the outbox’s keys (default: none)')
  .option('--config <file>', 'JSON file with settings, keys as the flags in camelCase')
  .addHelpText(
    'after',
    '\nEvery option of `run` can also be set in the environment (VLT_AGENT_SERVER_URL=…) or in the settings file.' +
      '\nExit codes: 0 ok, 1 failure, 2 usage, 3 config, 4 agent not reachable, 5 reader, 6 saved but not confirmed,' +
      '\n7 not permitted, 8 duplicate, 9 dead letters present.',
  )
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()

addRun(program, terminal)
addEnroll(program, terminal)
addRegister(program, terminal)
addReader(program, terminal)
addStatus(program, terminal)
addQueue(program, terminal)
addKeys(program, terminal)
addJoin(program, terminal)
addLeave(program, terminal)
addDoctor(program, terminal)
addPage(program, terminal)

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  } else if (error instanceof AppError) {
    terminal.say(`error ${error.code}: ${error.message}\nhint: ${error.hint}`)
    process.exitCode = exitCodeOf[error.code]
  } else if (stop.signal.aborted) {
    process.exitCode = exitCodes.failure
  } else {
    throw error
  }
}
