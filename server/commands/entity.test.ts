import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exitCodes } from '../../shared/exit-codes.ts'
import { startServer } from '../child-server.testing.ts'
import { openPlace, type Place } from '../place.testing.ts'
import { engines } from '../testbed.testing.ts'

async function run(place: Place, ...args: string[]): Promise<[unknown, string]> {
  const child = await place.run('entity', ...args)
  return [await child.ended, child.stdout() + child.stderr()]
}

const audited = async ({ core }: Place) => {
  const events = await core.database.db.selectFrom('audit_events').selectAll().orderBy('seq').execute()
  return events.map(({ action, actor, subject }) => `${actor} ${action} ${subject}`)
}

test('nothing is made, nor answered, where there is no database', async () => {
  await using place = await openPlace('sqlite')
  const elsewhere = join(place.folder, 'elsewhere')
  for (const command of [['list'], ['add', '--name', 'Banco']]) {
    const child = await startServer(['entity', ...command, '--data', elsewhere])
    expect([await child.ended, child.stdout()]).toEqual([exitCodes.config, ''])
    expect(child.stderr()).toContain('database-missing')
  }
  expect(existsSync(elsewhere)).toBe(false)
})

describe.each(engines)('on %s', (engine) => {
  test('an operator adds, lists, suspends and activates entities', { timeout: 90_000 }, async () => {
    await using place = await openPlace(engine)
    expect(await run(place, 'list')).toEqual([0, 'ID  STATE  NAME\n'])
    expect(await run(place, 'add', '--name', ' Banco Ñandú ', '--json')).toEqual([
      0,
      '{"id":1,"name":"Banco Ñandú"}\n',
    ])
    expect(await run(place, 'add', '--name', 'Caja')).toEqual([0, 'entity 2 added: Caja\n'])
    expect(await run(place, 'suspend', '2')).toEqual([0, 'entity 2 is suspended\n'])
    expect(await run(place, 'suspend', '2')).toEqual([0, 'entity 2 is suspended\n'])
    expect(await run(place, 'list')).toEqual([
      0,
      'ID  STATE      NAME\n1   active     Banco Ñandú\n2   suspended  Caja\n',
    ])
    expect(await run(place, 'activate', '2')).toEqual([0, 'entity 2 is active\n'])
    const [code, list] = await run(place, 'list', '--json')
    expect([code, JSON.parse(list)]).toEqual([
      0,
      [
        { id: 1, name: 'Banco Ñandú', active: true, createdAt: expect.any(String) as string },
        { id: 2, name: 'Caja', active: true, createdAt: expect.any(String) as string },
      ],
    ])
    expect(await audited(place)).toEqual([
      'operator entity-added entity 1',
      'operator entity-added entity 2',
      'operator entity-suspended entity 2',
      'operator entity-suspended entity 2',
      'operator entity-activated entity 2',
    ])
  })
})

describe('with nothing in it', () => {
  let place: Place
  beforeAll(async () => {
    place = await openPlace('sqlite')
  })
  afterAll(() => place[Symbol.asyncDispose]())

  test.for<[string[], number, string]>([
    [['add'], 2, "error usage: required option '--name <name>' not specified"],
    [['add', '--name', '  '], 2, 'error input-invalid: --name must be 1 to 255 characters'],
    [['add', '--name', 'x'.repeat(256)], 2, 'error input-invalid: --name must be 1 to 255 characters'],
    [['add', '--name', 'a\nb'], 2, 'error input-invalid: --name must be 1 to 255 characters'],
    [['suspend', '7'], 2, 'error entity-unknown: there is no entity 7'],
    [['activate', '7'], 2, 'error entity-unknown: there is no entity 7'],
    [['suspend', 'x'], 2, 'error usage: "x" is no id: give a number that `vlt-server entity list` shows'],
    [['suspend', '99999999999'], 2, 'error usage: "99999999999" is no id'],
    [['suspend'], 2, "error usage: missing required argument 'id'"],
  ])('%# is refused with a hint: entity %s', async ([args, code, first]) => {
    const [ended, told] = await run(place, ...args)
    expect([ended, told.split('\n')[0]]).toEqual([code, expect.stringContaining(first)])
    expect(told).toContain('\nhint: ')
    expect(await audited(place)).toEqual([])
  })
})
