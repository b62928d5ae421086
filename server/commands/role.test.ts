import { describe, expect, test } from 'vitest'
import { openPlace, type Place } from '../place.testing.ts'
import { johndoe, person, registerAccount } from '../systems/user-accounts/registering.testing.ts'
import { engines } from '../testbed.testing.ts'

async function run(place: Place, ...args: string[]): Promise<[unknown, string]> {
  const child = await place.run('role', ...args)
  return [await child.ended, child.stdout() + child.stderr()]
}

const rolesOf = async ({ core }: Place) =>
  (await core.database.db.selectFrom('user_accounts').select(['id', 'role_id']).orderBy('id').execute()).map(
    ({ role_id }) => role_id,
  )

describe.each(engines)('on %s', (engine) => {
  test('staff opens a role, settles what was asked for, and sees who asks', async () => {
    await using place = await openPlace(engine)
    const { port = 0 } = await place.serve()
    expect(await run(place, 'allow', '2')).toEqual([0, 'role 2 (Conductor) can be chosen at registration\n'])
    const asked = [2, 4, 4, 77]
    for (const [n, usuarioRolId] of asked.entries()) {
      await registerAccount({ port }, person(n + 1, { usuarioRolId }))
    }
    expect(await rolesOf(place)).toEqual([2, 1, 1, 1])

    const [, pending] = await run(place, 'pending')
    expect(pending.split('\n').map((line) => line.split(/ {2,}/).slice(0, 5))).toEqual([
      ['REQUEST', 'ACCOUNT', 'LOGIN', 'NAME', 'ROLE'],
      ['1', '2', 'person2', 'John Doe', '4 Administrador'],
      ['2', '3', 'person3', 'John Doe', '4 Administrador'],
      ['3', '4', 'person4', 'John Doe', '77 (no such role)'],
      [''],
    ])
    expect(await run(place, 'approve', '1')).toEqual([0, 'account 2 has role 4\n'])
    expect(await run(place, 'reject', '2', '--json')).toEqual([0, '{"accountId":3,"roleId":4}\n'])
    expect((await run(place, 'approve', '2'))[0]).toBe(1)
    const [code, refused] = await run(place, 'approve', '3')
    expect([code, refused.split('\n')[0]]).toEqual([2, 'error role-unknown: there is no active role 77'])
    expect(await rolesOf(place)).toEqual([2, 4, 1, 1])
    const [, left] = await run(place, 'pending', '--json')
    expect((JSON.parse(left) as { id: number }[]).map(({ id }) => id)).toEqual([3])

    expect(await run(place, 'disallow', '2')).toEqual([
      0,
      'role 2 (Conductor) cannot be chosen at registration\n',
    ])
    await registerAccount({ port }, johndoe({ usuarioRolId: 2 }))
    expect(await rolesOf(place)).toEqual([2, 4, 1, 1, 1])
    expect((await run(place, 'list'))[1]).toMatch(/^1 +Usuario +active, self-registration, default$/m)
  }, 90_000)
})

test.for<[string[], number, string]>([
  [['allow', '4'], 1, 'error role-not-open: role 4 is privileged: only staff gives it'],
  [['allow', '-1'], 2, 'error usage: "-1" is no id'],
  [['approve', '1'], 2, 'error role-request-unknown: there is no request 1'],
])('role %s', async ([args, code, first]) => {
  await using place = await openPlace('sqlite')
  const [ended, told] = await run(place, ...args)
  expect([ended, told.split('\n')[0]]).toEqual([code, expect.stringContaining(first)])
  expect(told).toContain('\nhint: ')
})
