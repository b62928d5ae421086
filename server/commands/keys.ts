import type { Command } from 'commander'
import { AppError } from '../../shared/errors.ts'
import type { Keyring } from '../security/keyring.ts'
import { rotated, rotateKeys } from '../security/rotate-keys.ts'
import type { Surroundings } from '../serve.ts'
import { onCore } from './on-core.ts'
import { table } from './table.ts'

/** `vlt-server keys …` */
export function addKeys(program: Command, surroundings: Surroundings): void {
  const { print, errorStream } = surroundings
  const keys = program.command('keys').description('the secrets in the keys file, by name: never themselves')

  const list = keys
    .command('list')
    .description('list all keys and what each is for, newest first')
    .option('--json', 'print [{kind, id, use}]')
  onCore(list, surroundings, ({ keyring }, { json }) => {
    const listed = describe(keyring)
    if (json === true) print(JSON.stringify(listed, null, 2))
    else {
      const rows = listed.map(({ kind, id, use }) => [kind, id ?? '', use])
      for (const line of table(['KEYS', 'ID', 'USE'], rows)) print(line)
    }
    return Promise.resolve()
  })

  const rotate = keys
    .command('rotate')
    .description(
      'put a new key in front; goes into the audit trail. A running server goes on with the old ones until it is ' +
        'restarted: restart every server on this database, one right after the other',
    )
    .argument(
      '<kind>',
      'tokens: the key before stays valid, older ones end; data: all keys stay, to open what is sealed',
    )
    .option('--json', 'print {kind, id}')
  onCore(rotate, surroundings, async (core, { json }, [operand]) => {
    const kind = rotated.find((known) => known === operand)
    if (kind === undefined)
      throw new AppError('usage', `give one of ${rotated.join(', ')}: other keys never change`)
    const id = await rotateKeys(core, kind)
    print(json === true ? JSON.stringify({ kind, id }) : `${kind}: ${id} is the newest key`)
    errorStream.write(
      'Now restart every server on this database, one right after the other, and back up the keys file. ' +
        'Instances with a keys file of their own need a copy of it first.\n',
    )
  })
}

interface Described {
  kind: keyof Keyring
  id: string | null
  use: string
}

function describe({ tokens, data }: Keyring): Described[] {
  return [
    ...tokens.map(({ id }, place) => ({
      kind: 'tokens' as const,
      id,
      use: place === 0 ? 'signs tokens' : 'still believed',
    })),
    ...data.map(({ id }, place) => ({
      kind: 'data' as const,
      id,
      use: place === 0 ? 'seals personal data' : 'opens what it has sealed',
    })),
    { kind: 'index', id: null, use: 'finds people; never changes' },
    { kind: 'pepper', id: null, use: 'part of every password hash; never changes' },
  ]
}
