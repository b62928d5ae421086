import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { openPlace, type Place } from '../place.testing.ts'
import { createAccounts } from '../systems/digital-registry/accounts/accounts.ts'
import { ask } from '../systems/digital-registry/registry.testing.ts'
import { engines } from '../testbed.testing.ts'

async function run(place: Place, command: string, ...args: string[]): Promise<[unknown, string]> {
  const child = await place.run(command, ...args)
  return [await child.ended, child.stdout() + child.stderr()]
}

function passwordFile({ folder }: Place, content: string): string {
  const path = join(folder, 'password')
  writeFileSync(path, content)
  return path
}

const audited = async ({ core }: Place) => {
  const events = await core.database.db.selectFrom('audit_events').selectAll().orderBy('seq').execute()
  return events.map(({ action, subject, details }) => `${action} ${subject} ${details}`)
}

describe.each(engines)('on %s', (engine) => {
  test('what an operator does while a server runs holds at once', { timeout: 120_000 }, async () => {
    await using place = await openPlace(engine)
    const { port = 0 } = await place.serve('--insecure-loopback', '--public-url', 'https://registro.example')
    const first = passwordFile(place, 'MiClaveSegura\n')
    const answer = async (changes: Record<string, unknown> = {}): Promise<[number, string]> => {
      const { status, body } = await ask(port, changes)
      return [status, (JSON.parse(body) as { message: string }).message]
    }
    const accepted = [200, 'Registro generado exitosamente']
    const inactive = [403, 'La entidad asociada al usuario se encuentra suspendida.']

    expect(await answer()).toEqual([401, 'Usuario no encontrado.'])
    await run(place, 'entity', 'add', '--name', 'Banco')
    const user = ['--entity', '1', '--password-file', first]
    expect(await run(place, 'api-user', 'add', '--username', ' 123456789 ', ...user, '--json')).toEqual([
      0,
      '{"id":1,"username":"123456789","entity":1,"api":true}\n',
    ])
    expect(await answer()).toEqual(accepted)
    expect(await run(place, 'api-user', 'add', '--username', '5555', '--no-api', ...user)).toEqual([
      0,
      'api-user 2 added to entity 1\n',
    ])
    expect(await answer({ Username: '5555' })).toEqual([403, 'El usuario no tiene atributos programáticos.'])

    expect(await run(place, 'api-user', 'block', '123456789')).toEqual([0, 'api-user 1 is blocked\n'])
    expect(await answer()).toEqual([403, 'El usuario se encuentra bloqueado.'])
    expect(await run(place, 'api-user', 'list')).toEqual([
      0,
      'ID  USERNAME   STATE    API  ENTITY\n1   123456789  blocked  yes  1 Banco\n2   5555       active   no   1 Banco\n',
    ])
    expect(await run(place, 'api-user', 'unblock', '123456789')).toEqual([0, 'api-user 1 is active\n'])
    await run(place, 'entity', 'suspend', '1')
    expect(await answer()).toEqual(inactive)
    await run(place, 'entity', 'activate', '1')

    const second = passwordFile(place, 'OtraClaveSegura\r\n')
    expect(await run(place, 'api-user', 'set-password', '123456789', '--password-file', second)).toEqual([
      0,
      'api-user 1 has a new password\n',
    ])
    expect(await answer()).toEqual([401, 'Error de autenticación.'])
    expect(await answer({ Password: 'OtraClaveSegura' })).toEqual(accepted)

    const [code, list] = await run(place, 'api-user', 'list', '--json')
    expect([code, JSON.parse(list)]).toMatchObject([
      0,
      [
        { id: 1, username: '123456789', entity: { id: 1, name: 'Banco' }, api: true, active: true },
        { id: 2, username: '5555', api: false },
      ],
    ])
    expect((await audited(place)).filter((line) => /api-user-(?!refused)/.test(line))).toEqual([
      'api-user-added api-user 1 {"entity":1,"api":true}',
      'api-user-added api-user 2 {"entity":1,"api":false}',
      'api-user-blocked api-user 1 {}',
      'api-user-unblocked api-user 1 {}',
      'api-user-password-set api-user 1 {}',
    ])
  })
})

describe('beside a user 123456789', () => {
  let place: Place
  beforeAll(async () => {
    place = await openPlace('sqlite')
    const accounts = createAccounts(place.core, systemClock)
    const { id: entityId } = await accounts.addEntity('Banco')
    await accounts.addApiUser({ username: '123456789', password: 'MiClaveSegura', entityId, api: true })
  })
  afterAll(() => place[Symbol.asyncDispose]())

  test.for<[string, string[], number, string]>([
    [
      'a taken username',
      ['add', '--username', '123456789', '--entity', '1', '--password-file', 'PASSWORD'],
      8,
      'api-user-taken',
    ],
    [
      'an entity that does not exist',
      ['add', '--username', '1', '--entity', '7', '--password-file', 'PASSWORD'],
      2,
      'entity-unknown: there is no entity 7',
    ],
    [
      'an entity that is no id',
      ['add', '--username', '1', '--entity', 'Banco', '--password-file', 'PASSWORD'],
      2,
      'usage: "Banco" is no id',
    ],
    [
      'a blank username',
      ['add', '--username', ' ', '--entity', '1', '--password-file', 'PASSWORD'],
      2,
      'input-invalid: --username must be a document number of 1 to 64 characters',
    ],
    [
      'a long username',
      ['add', '--username', '1'.repeat(65), '--entity', '1', '--password-file', 'PASSWORD'],
      2,
      'input-invalid: --username must be',
    ],
    [
      'a short password',
      ['add', '--username', '1', '--entity', '1', '--password-file', 'SHORT'],
      2,
      'input-invalid: password must be 12 to 256 characters',
    ],
    ['no terminal to ask on', ['add', '--username', '1', '--entity', '1'], 2, 'password-missing'],
    [
      'a password file that is not there',
      ['set-password', '123456789', '--password-file', '/nowhere'],
      2,
      'password-unreadable: cannot read /nowhere (ENOENT)',
    ],
    ['an unknown user to block', ['block', '1'], 2, 'api-user-unknown'],
    ['an unknown user to unblock', ['unblock', '1'], 2, 'api-user-unknown'],
    [
      'an unknown user to give a password',
      ['set-password', '1', '--password-file', 'PASSWORD'],
      2,
      'api-user-unknown',
    ],
  ])('%s is refused with a hint', async ([, args, code, first]) => {
    const files: Record<string, string> = { PASSWORD: 'MiClaveSegura\n', SHORT: '11character' }
    const before = await audited(place)
    const given = args.map((arg) => (arg in files ? passwordFile(place, files[arg] ?? '') : arg))
    const [ended, told] = await run(place, 'api-user', ...given)
    expect([ended, told.split('\n')[0]]).toEqual([code, expect.stringContaining(`error ${first}`)])
    expect(told).toContain('\nhint: ')
    expect(told).not.toContain('MiClaveSegura')
    expect(await audited(place)).toEqual(before)
  })
})
