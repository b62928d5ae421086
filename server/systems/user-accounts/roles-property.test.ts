import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RoleRow } from '../../database/rows/user-accounts.ts'
import { engines, openTestbed, send, type Testbed } from '../../testbed.testing.ts'
import { johndoe } from './registering.testing.ts'

/** Any list of roles that the database takes: with or without a default, with or without roles open to everybody. */
const catalogues = fc
  .uniqueArray(
    fc.record({
      id: fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constantFrom(2_147_483_647, 1_000)),
      kind: fc.constantFrom('plain', 'inactive', 'privileged', 'open'),
      active: fc.boolean(),
    }),
    { selector: ({ id }) => id, minLength: 1, maxLength: 6 },
  )
  .chain((roles) =>
    fc.record({
      roles: fc.constant(roles),
      defaultAt: fc.option(fc.nat({ max: roles.length - 1 }), { freq: 5 }),
    }),
  )
  .map(({ roles, defaultAt }): RoleRow[] =>
    roles.map(({ id, kind, active }, place) => {
      const is_default = place === defaultAt
      const open = is_default || kind === 'open'
      return {
        id,
        name: `role ${String(id)}`,
        active: open || (kind !== 'inactive' && active) ? 1 : 0,
        privileged: !open && kind === 'privileged' ? 1 : 0,
        self_registration: open ? 1 : 0,
        is_default: is_default ? 1 : 0,
      }
    }),
  )

const roleIds = fc.oneof(
  fc.integer({ min: 0, max: 6 }),
  fc.constantFrom<unknown>(2_147_483_647, 1_000, -1, '3', 3.0, null, undefined, true, [3], { id: 3 }, 1e300),
)

/** Whatever else somebody could try to be more with. */
const tricks = fc.dictionary(
  fc.constantFrom(
    'role_id',
    'rolId',
    'usuario_rol_id',
    'usuarioRolID',
    'roleId',
    'privileged',
    'admin',
    '__proto__',
    'wantedRole',
    'profile',
  ),
  fc.oneof(fc.integer({ min: 0, max: 6 }), fc.boolean(), fc.constant({ usuarioRolId: 3, role_id: 3 })),
  { maxKeys: 4 },
)

describe.each(engines)('on %s', (engine) => {
  let bed: Testbed
  beforeAll(async () => {
    bed = await openTestbed({ engine })
  })
  afterAll(() => bed[Symbol.asyncDispose]())

  async function begin(roles: RoleRow[]): Promise<void> {
    await bed.database.transact(async (tx) => {
      await tx.deleteFrom('role_requests').execute()
      await tx.deleteFrom('user_accounts').execute()
      await tx.deleteFrom('roles').execute()
      await tx.insertInto('roles').values(roles).execute()
    })
  }

  test('whatever is sent, and whatever roles there are, no account gets one that is not open to everybody', async () => {
    let given = 0
    let parkedOnes = 0
    await fc.assert(
      fc.asyncProperty(
        catalogues,
        fc.array(fc.tuple(roleIds, tricks), { minLength: 1, maxLength: 3 }),
        async (roles, tries) => {
          await begin(roles)
          for (const [n, [usuarioRolId, extra]] of tries.entries()) {
            const who = { usuarioLogin: `p${String(n)}`, usuarioCorreo: `p${String(n)}@example.com` }
            // As text, so that __proto__ is a key like any other.
            const own = JSON.stringify(johndoe({ ...who, usuarioRolId }))
            const body = `${own.slice(0, -1)},${JSON.stringify(extra).slice(1)}`.replace(/,}$/, '}')
            const { status } = await send(bed.port, { path: '/api/register', body })

            const accounts = await bed.database.db
              .selectFrom('user_accounts')
              .selectAll()
              .orderBy('id', 'desc')
              .execute()
            const role = roles.find(({ id }) => id === accounts[0]?.role_id)
            const isId =
              typeof usuarioRolId === 'number' && usuarioRolId >= 0 && usuarioRolId <= 2_147_483_647
            const asked = isId ? usuarioRolId : undefined
            const fallback = roles.find(({ is_default }) => is_default === 1)
            const open = roles.find(({ id, self_registration }) => id === asked && self_registration === 1)
            const expected = open ?? fallback
            const isWrong = usuarioRolId !== undefined && usuarioRolId !== null && !isId
            expect(status).toBe(isWrong ? 400 : expected === undefined ? 500 : 201)
            for (const { role_id } of accounts) {
              const theirs = roles.find(({ id }) => id === role_id)
              expect(theirs).toMatchObject({ self_registration: 1, active: 1, privileged: 0 })
            }
            if (status !== 201) continue
            given += 1
            expect(role?.id).toBe(expected?.id)
            const parked = await bed.database.db
              .selectFrom('role_requests')
              .select(['role_id', 'state'])
              .where('account_id', '=', accounts[0]?.id ?? 0)
              .execute()
            const waits = asked !== undefined && asked !== expected?.id
            expect(parked).toEqual(waits ? [{ role_id: asked, state: 'pending' }] : [])
            parkedOnes += parked.length
          }
        },
      ),
      { numRuns: 60 },
    )
    // The property is worth nothing where nobody gets in.
    expect([given > 20, parkedOnes > 5]).toEqual([true, true])
  }, 120_000)
})
