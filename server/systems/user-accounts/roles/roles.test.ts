import { describe, expect, test } from 'vitest'
import { engines, openTestbed, type Testbed } from '../../../testbed.testing.ts'
import { person, registerAccount } from '../registering.testing.ts'
import { createRoleDesk } from './roles.ts'

const roleOf = async ({ database: { db } }: Testbed, id: number) =>
  (await db.selectFrom('user_accounts').select('role_id').where('id', '=', id).executeTakeFirst())?.role_id

const auditEvents = async ({ database: { db } }: Testbed) =>
  (await db.selectFrom('audit_events').selectAll().orderBy('seq').execute()).map(
    ({ action, actor, subject, details }) => `${action} by ${actor}: ${subject} ${details}`,
  )

describe.each(engines)('on %s', (engine) => {
  test('who asked for a role waits with a name, the oldest first', async () => {
    await using bed = await openTestbed({ engine })
    const desk = createRoleDesk(bed, bed.clock)
    expect(await desk.pending()).toEqual([])
    await registerAccount(bed, person(1, { usuarioRolId: 4, usuarioNombre: 'Ana', usuarioApellido: 'Ñuñez' }))
    await registerAccount(bed, person(2, { usuarioRolId: 1 }))
    bed.clock.advance(60_000)
    await registerAccount(bed, person(3, { usuarioRolId: 77 }))
    expect(await desk.pending()).toEqual([
      {
        id: 1,
        accountId: 1,
        login: 'person1',
        name: 'Ana Ñuñez',
        roleId: 4,
        roleName: 'Administrador',
        currentRoleName: 'Usuario',
        requestedAt: '2026-03-01T12:00:00.000Z',
      },
      {
        id: 2,
        accountId: 3,
        login: 'person3',
        name: 'John Doe',
        roleId: 77,
        roleName: null,
        currentRoleName: 'Usuario',
        requestedAt: '2026-03-01T12:01:00.000Z',
      },
    ])
  })

  test('an approved request gives the role, a rejected one does not, and each is settled once', async () => {
    await using bed = await openTestbed({ engine })
    const desk = createRoleDesk(bed, bed.clock)
    for (const n of [1, 2]) await registerAccount(bed, person(n, { usuarioRolId: 4 }))
    expect(await desk.approve(1)).toEqual({ accountId: 1, roleId: 4 })
    expect(await desk.reject(2)).toEqual({ accountId: 2, roleId: 4 })
    expect([await roleOf(bed, 1), await roleOf(bed, 2)]).toEqual([4, 1])
    for (const id of [1, 2]) {
      await expect(desk.approve(id)).rejects.toMatchObject({ code: 'role-request-settled' })
      await expect(desk.reject(id)).rejects.toMatchObject({ code: 'role-request-settled' })
    }
    expect([await roleOf(bed, 1), await roleOf(bed, 2), await desk.pending()]).toEqual([4, 1, []])
    expect((await auditEvents(bed)).slice(2)).toEqual([
      'role-approved by operator: user-account 1 {"request":1,"role":4}',
      'role-rejected by operator: user-account 2 {"request":2,"role":4}',
    ])
  })

  test('of two who settle a request at once one does, and the role is what that one said', async () => {
    await using bed = await openTestbed({ engine })
    const desk = createRoleDesk(bed, bed.clock)
    for (let n = 1; n <= 10; n += 1) {
      await bed.database.transact(async (tx) => {
        const account = {
          login_index: String(n),
          correo_index: String(n),
          personal: '-',
          password_hash: '-',
          departamento_id: 1,
          role_id: 1,
          licencia_tipo: null,
          created_at: bed.clock.now(),
        }
        await tx
          .insertInto('user_accounts')
          .values({ id: n, ...account })
          .execute()
        const request = {
          account_id: n,
          role_id: 4,
          state: 'pending',
          requested_at: bed.clock.now(),
          settled_at: null,
        } as const
        await tx
          .insertInto('role_requests')
          .values({ id: n, ...request })
          .execute()
      })
      const ends = await Promise.allSettled([desk.approve(n), desk.reject(n), desk.approve(n)])
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await roleOf(bed, n)).toBe(ends[1].status === 'fulfilled' ? 1 : 4)
    }
  })

  test('a role that is not there, or over, cannot be given; the request goes on waiting', async () => {
    await using bed = await openTestbed({ engine })
    const desk = createRoleDesk(bed, bed.clock)
    for (const [n, role] of [
      [1, 77],
      [2, 3],
    ] as const) {
      await registerAccount(bed, person(n, { usuarioRolId: role }))
    }
    await bed.database.db.updateTable('roles').set({ active: 0 }).where('id', '=', 3).execute()
    await expect(desk.approve(1)).rejects.toMatchObject({ code: 'role-unknown' })
    await expect(desk.approve(2)).rejects.toMatchObject({ code: 'role-unknown' })
    expect((await desk.pending()).map(({ id }) => id)).toEqual([1, 2])
    expect([await roleOf(bed, 1), await roleOf(bed, 2)]).toEqual([1, 1])
    await desk.reject(1)
    await expect(desk.approve(99)).rejects.toMatchObject({ code: 'role-request-unknown' })
  })

  test('a role without privileges can be opened to everybody and closed again, once each in the trail', async () => {
    await using bed = await openTestbed({ engine })
    const desk = createRoleDesk(bed, bed.clock)
    for (let time = 0; time < 2; time += 1) {
      expect(await desk.allow(2)).toMatchObject({ id: 2, selfRegistration: true })
    }
    await registerAccount(bed, person(1, { usuarioRolId: 2 }))
    for (let time = 0; time < 2; time += 1) {
      expect(await desk.disallow(2)).toMatchObject({ id: 2, selfRegistration: false })
    }
    await registerAccount(bed, person(2, { usuarioRolId: 2 }))
    expect([await roleOf(bed, 1), await roleOf(bed, 2)]).toEqual([2, 1])
    expect(await auditEvents(bed)).toEqual([
      'role-allowed by operator: role 2 {}',
      'role-disallowed by operator: role 2 {}',
      'role-requested by anonymous: user-account 2 {"role":2}',
    ])
  })

  test('privileges are never open to everybody, and the default always is', async () => {
    await using bed = await openTestbed({ engine })
    const desk = createRoleDesk(bed, bed.clock)
    const before = await desk.list()
    for (const id of [3, 4]) await expect(desk.allow(id)).rejects.toMatchObject({ code: 'role-not-open' })
    await expect(desk.disallow(1)).rejects.toMatchObject({ code: 'role-not-open' })
    for (const id of [0, 5, 2_147_483_647]) {
      await expect(desk.allow(id)).rejects.toMatchObject({ code: 'role-unknown' })
    }
    expect([await desk.list(), await auditEvents(bed)]).toEqual([before, []])
  })
})
