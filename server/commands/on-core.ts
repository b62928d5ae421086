import { resolve } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { defaults, readSettings } from '../config.ts'
import { type Core, openCore } from '../core.ts'
import { hasSqlite } from '../database/sqlite/connect.ts'
import type { Surroundings } from '../serve.ts'
import { addConfigOption } from './config-option.ts'

/** The options that say where the data is; every command that reads or changes data has them. */
export function addPlaceOptions(command: Command): Command {
  return command
    .option(
      '--data <dir>',
      `folder of the embedded database and the keys, created for its owner alone (default ${defaults.data})`,
    )
    .option(
      '--database-url <url>',
      'PostgreSQL instead of the embedded database: postgres://user:password@host/name',
    )
    .option(
      '--database-url-file <file>',
      'file that holds the --database-url, so that no process list shows it',
    )
    .option('--keys <file>', 'keys file, the same for all instances on one database (default DATA/keys.json)')
}

/** An admin command: works on the data, also while a server runs on it. */
export function onCore(
  command: Command,
  { env }: Surroundings,
  work: (core: Core, flags: Record<string, unknown>, operands: string[]) => Promise<void>,
): void {
  addConfigOption(addPlaceOptions(command)).action(async () => {
    const flags = command.opts<Record<string, unknown>>()
    const settings = readSettings(placeFlags(flags), env)
    // Nobody is to hear that nothing is known of a person because the folder was the wrong one.
    if (settings.databaseUrl === undefined && !hasSqlite(settings.data)) {
      throw new AppError('database-missing', `there is no database in ${resolve(settings.data)}`)
    }
    await using core = await openCore(settings, systemClock, 'command')
    await work(core, flags, command.args)
  })
}

function placeFlags({ data, databaseUrl, databaseUrlFile, keys, config }: Record<string, unknown>) {
  return { data, databaseUrl, databaseUrlFile, keys, config }
}
