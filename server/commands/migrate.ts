import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { readSettings } from '../config.ts'
import { openDatabase } from '../database/database.ts'
import type { Surroundings } from '../serve.ts'
import { addConfigOption } from './config-option.ts'
import { addPlaceOptions } from './on-core.ts'

/** `vlt-server migrate` */
export function addMigrate(program: Command, { env, print }: Surroundings): void {
  const command = addPlaceOptions(program.command('migrate')).description(
    'create the database or bring it to this version, while no server runs (serve does it too)',
  )
  addConfigOption(command).action(async (flags: Record<string, unknown>) => {
    const { data: folder, databaseUrl: url } = readSettings(flags, env)
    await using database = await openDatabase({ folder, url }, systemClock)
    for (const migration of database.migrated) print(`applied ${migration}`)
    if (database.migrated.length === 0) print('nothing to do: the database is at this version')
  })
}
