#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { AppError, nativeCode } from '../shared/errors.ts'
import { exitCodeOf } from '../shared/exit-codes.ts'
import { addAudit } from './commands/audit.ts'
import { addCase } from './commands/case.ts'
import { addCatalog } from './commands/catalog.ts'
import { addClientSecret } from './commands/client-secret.ts'
import { addDoctor } from './commands/doctor.ts'
import { addErase } from './commands/erase.ts'
import { addExport } from './commands/export.ts'
import { addKeys } from './commands/keys.ts'
import { addKiosk } from './commands/kiosk.ts'
import { addMail } from './commands/mail.ts'
import { addApiUser } from './commands/api-user.ts'
import { addEntity } from './commands/entity.ts'
import { addMigrate } from './commands/migrate.ts'
import { addOpenApi } from './commands/openapi.ts'
import { addRole } from './commands/role.ts'
import { addServe } from './commands/serve.ts'
import { programVersion } from './version.ts'

const stop = new AbortController()
// More than a graceful stop takes (10 s), less than the unit's TimeoutStopSec.
const endWithinMs = 13_000
const signals = { SIGTERM: 15, SIGINT: 2 } as const

async function main(): Promise<number> {
  // What the server writes holds personal data: for its owner alone.
  process.umask(0o077)
  for (const [signal, number] of Object.entries(signals)) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(128 + number)
      stop.abort()
      // Whatever hangs, a database that does not answer among it: before the service manager loses its patience.
      setTimeout(() => process.exit(128 + number), endWithinMs).unref()
    })
  }
  process.stdout.on('error', (error) => {
    // A reader of our output that has gone (`| head`) is no failure; a full disk is.
    if (nativeCode(error) !== 'EPIPE') process.exit(complain(error))
  })
  const program = new Command('vlt-server')
    .description('Central server of the lobby kiosks: takes client registrations')
    .version(programVersion(), '--version', 'print the version')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
  const surroundings = {
    env: process.env,
    print: (line: string) => void process.stdout.write(`${line}\n`),
    stdin: process.stdin,
    errorStream: process.stderr,
    stop: stop.signal,
    onHangup: (listener: () => void) => void process.on('SIGHUP', listener),
  }
  addServe(program, surroundings)
  addMigrate(program, surroundings)
  addDoctor(program, surroundings)
  addEntity(program, surroundings)
  addApiUser(program, surroundings)
  addMail(program, surroundings)
  addCatalog(program, surroundings)
  addRole(program, surroundings)
  addCase(program, surroundings)
  addClientSecret(program, surroundings)
  addKiosk(program, surroundings)
  addExport(program, surroundings)
  addErase(program, surroundings)
  addAudit(program, surroundings)
  addKeys(program, surroundings)
  addOpenApi(program, surroundings)
  try {
    await program.parseAsync()
    return 0
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    return complain(error instanceof CommanderError ? usage(error) : error)
  }
}

function usage(error: CommanderError): AppError {
  const message =
    error.code === 'commander.help' ? 'no command was given' : error.message.replace(/^error: /, '')
  return new AppError('usage', message)
}

/** Says what failed and answers the exit code. */
function complain(error: unknown): number {
  if (!(error instanceof AppError)) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return 1
  }
  process.stderr.write(`error ${error.code}: ${error.message}\nhint: ${error.hint}\n`)
  return exitCodeOf[error.code]
}

const code = await main()
// A pipe takes 64 KiB at once, and what it has not taken would be lost.
await new Promise((resolve) => process.stdout.write('', resolve))
// Nothing may keep a stopped server alive.
process.exit(code)
