import { join } from 'node:path'
import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import { type Audit, createAudit } from './audit/audit.ts'
import type { Settings } from './config.ts'
import { type Access, type Database, openDatabase } from './database/database.ts'
import { createMailbox, type Mailbox } from './mail/mailbox.ts'
import type { Keyring } from './security/keyring.ts'
import { openKeyring } from './security/open-keyring.ts'
import { createPasswords, type Passwords } from './security/passwords.ts'
import { createTokens, type Tokens } from './security/tokens.ts'
import { createVault, type Vault } from './security/vault.ts'

/** What the server and every admin command stand on. */
export interface Core extends AsyncDisposable {
  readonly database: Database
  /** Where `keyring` is kept. */
  readonly keysFile: string
  readonly keyring: Keyring
  readonly vault: Vault
  readonly passwords: Passwords
  readonly tokens: Tokens
  readonly mailbox: Mailbox
  readonly audit: Audit
}

/** Settings that say where the data is. */
export type Place = Pick<Settings, 'data' | 'databaseUrl' | 'keys'>

/** Opens database and keyring. Throws what `openDatabase` and `openKeyring` throw. */
export async function openCore(
  { data, databaseUrl, keys }: Place,
  clock: Clock,
  access: Access,
  log?: Log,
): Promise<Core> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await openDatabase({ folder: data, url: databaseUrl }, clock, access, log))
  const keysFile = keys ?? join(data, 'keys.json')
  const keyring = await openKeyring(database, keysFile)
  const vault = createVault(keyring)
  const audit = createAudit(database, vault, clock)
  // Counts of the last minute are still in memory.
  stack.defer(() => audit.flush())
  const passwords = stack.use(createPasswords(keyring.pepper))
  const owned = stack.move()
  return {
    database,
    keysFile,
    keyring,
    vault,
    passwords,
    tokens: createTokens(keyring.tokens, clock),
    mailbox: createMailbox(vault, clock),
    audit,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
