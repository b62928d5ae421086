#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { Command, CommanderError } from 'commander'
import { AppError } from '../shared/errors.ts'
import { exitCodeOf } from '../shared/exit-codes.ts'
import { addMigrate } from './commands/migrate.ts'
import { addServe } from './commands/serve.ts'

const stop = new AbortController()
const signals = { SIGTERM: 15, SIGINT: 2 } as const

async function main(): Promise<number> {
  // What the server writes holds personal data: for its owner alone.
  process.umask(0o077)
  for (const [signal, number] of Object.entries(signals)) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(128 + number)
      stop.abort()
    })
  }
  const program = new Command('vlt-server')
    .description('Central server of the lobby kiosks: takes client registrations')
    .version(version(), '--version', 'print the version')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
  const surroundings = {
    env: process.env,
    print: (line: string) => void process.stdout.write(`${line}\n`),
    stop: stop.signal,
  }
  addServe(program, surroundings)
  addMigrate(program, surroundings)
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

function version(): string {
  const path = findPackageJSON(import.meta.url)
  if (path === undefined) return 'unknown'
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
  return manifest.version
}

// Nothing may keep a stopped server alive.
process.exit(await main())
