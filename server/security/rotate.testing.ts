import { argv, stdout } from 'node:process'
import { systemClock } from '../../shared/clock.ts'
import { createAudit } from '../audit/audit.ts'
import { openDatabase } from '../database/database.ts'
import { openKeyring } from './open-keyring.ts'
import { rotateKeys } from './rotate-keys.ts'
import { createVault } from './vault.ts'

/** A process that rotates the data keys at a given time, so that several do so at once. */
const [folder = '', url = '', keysFile = '', at = ''] = argv.slice(2)
await using database = await openDatabase(
  { folder, url: url === '' ? undefined : url },
  systemClock,
  'command',
)
const audit = createAudit(database, createVault(await openKeyring(database, keysFile)), systemClock)
while (Date.now() < Number(at)) await new Promise((resolve) => setTimeout(resolve, 1))
stdout.write(await rotateKeys({ database, audit, keysFile }, 'data'))
