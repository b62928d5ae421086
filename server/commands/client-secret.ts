import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { createClientSecrets } from '../client-secrets/client-secrets.ts'
import type { KnownSecret } from '../client-secrets/store.ts'
import type { Surroundings } from '../serve.ts'
import { onCore } from './on-core.ts'
import { readRowId } from './row-id.ts'
import { table } from './table.ts'

const maxNameLength = 100

/** `vlt-server client-secret …` */
export function addClientSecret(program: Command, surroundings: Surroundings): void {
  const { print, errorStream } = surroundings
  const secret = program
    .command('client-secret')
    .description('secrets with which the lobby asks whose card it has read (X-Client-Secret)')

  const add = secret
    .command('add')
    .description('make a secret and print it, this once: the server keeps only a keyed hash')
    .requiredOption('--name <name>', `where it is used, 1 to ${String(maxNameLength)} characters`)
    .option('--json', 'print {"id": …, "name": …, "secret": …}')
  onCore(add, surroundings, async (core, { name, json }) => {
    const added = await createClientSecrets(core, systemClock).add(readName(name))
    print(json === true ? JSON.stringify(added) : added.secret)
    errorStream.write(`Client secret ${String(added.id)}: keep it safe, it is not shown again.\n`)
  })

  const list = secret
    .command('list')
    .description('list all secrets: id, name, when made, last used (to the hour) and revoked')
    .option('--json', 'print [{id, name, createdAt, lastUsedAt, revokedAt}]')
  onCore(list, surroundings, async (core, { json }) => {
    const secrets = (await createClientSecrets(core, systemClock).list()).map(described)
    if (json === true) print(JSON.stringify(secrets, null, 2))
    else {
      const rows = secrets.map(({ id, name, createdAt, lastUsedAt, revokedAt }) => [
        id,
        name,
        createdAt,
        lastUsedAt ?? 'never',
        revokedAt ?? '',
      ])
      for (const line of table(['ID', 'NAME', 'MADE', 'LAST USED', 'REVOKED'], rows)) print(line)
    }
  })

  const revoke = secret
    .command('revoke')
    .description('refuse a secret from the next request on, on every instance')
    .argument('<id>', 'id of the secret, as `client-secret list` shows it')
  onCore(revoke, surroundings, async (core, _flags, [operand]) => {
    const id = readRowId(operand, 'vlt-server client-secret list')
    const revoked = await createClientSecrets(core, systemClock).revoke(id)
    print(`client secret ${String(id)} ${revoked ? 'is revoked' : 'was revoked before'}`)
  })
}

function described({ id, name, created_at, last_used_at, revoked_at }: KnownSecret) {
  return { id, name, createdAt: created_at, lastUsedAt: last_used_at, revokedAt: revoked_at }
}

function readName(value: unknown): string {
  const name = typeof value === 'string' ? value.trim() : ''
  if (name === '' || name.length > maxNameLength || /[\p{Cc}\p{Cs}]/u.test(name)) {
    throw new AppError('usage', `--name must be a line of 1 to ${String(maxNameLength)} characters`)
  }
  return name
}
