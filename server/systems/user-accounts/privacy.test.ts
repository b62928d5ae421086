import { describe, expect, test } from 'vitest'
import { createLog } from '../../../shared/log.ts'
import { createPrivacy } from '../../privacy/privacy.ts'
import { engines, openTestbed, send, type Testbed } from '../../testbed.testing.ts'
import { findAccountHolding } from './privacy.ts'
import { johndoe, licence, person, registerAccount } from './registering.testing.ts'
import { createReminders } from './reminders.ts'
import { createRoleDesk } from './roles/roles.ts'

const whole = johndoe({
  ...licence,
  usuarioRolId: 4,
  usuarioDpi: '2571 23456 0101',
  licenciaFechaVencimiento: '2026-03-08',
})
const privacy = (bed: Testbed) => createPrivacy(bed, bed.clock)
const keyed = { headers: { 'idempotency-key': 'k' } }

async function me(bed: Testbed, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  return (await send(bed.port, { method: 'GET', path: '/v1/me', headers })).status
}

describe.each(engines)('on %s', (engine) => {
  test('an export holds all that is kept of the person, and no password', async () => {
    await using bed = await openTestbed({ engine })
    const { body } = await registerAccount(bed, whole, keyed)
    await createReminders(bed, bed.clock, createLog('test', 'fatal')).sendDue()
    const at = bed.clock.now()
    const exported = await privacy(bed).export(findAccountHolding, '1')
    expect(exported).toMatchObject({
      subject: 'user-account 1',
      account: {
        id: 1,
        createdAt: at,
        departamentoId: 5,
        roleId: 1,
        licenciaTipo: 3,
        erased: false,
        person: { usuarioLogin: 'johndoe', usuarioDpi: '2571 23456 0101', licenciaNumero: '1234567890101' },
      },
      roleRequests: [{ roleId: 4, state: 'pending', requestedAt: at, settledAt: null }],
      licenceReminders: [
        { dueOn: '2026-03-01', expiresOn: '2026-03-08', state: 'sent', settledAt: at },
        { dueOn: '2026-03-07', expiresOn: '2026-03-08', state: 'planned', settledAt: null },
      ],
      mailsNotSent: [{ to: 'john@example.com' }],
      keptAnswers: [
        { route: '/api/register', idempotencyKey: 'k', status: 201, body: JSON.parse(body) as unknown },
      ],
    })
    expect(JSON.stringify(exported)).not.toMatch(/argon2|securePass/)
  })

  test('an erased account leaves nobody: no token, no reminder, no request, no kept answer', async () => {
    await using bed = await openTestbed({ engine })
    const { body } = await registerAccount(bed, whole, keyed)
    const { token } = JSON.parse(body) as { token: string }
    await registerAccount(
      bed,
      person(2, { ...licence, licenciaFechaVencimiento: '2026-03-08', usuarioRolId: 4 }),
    )
    expect(await me(bed, token)).toBe(200)

    expect(await privacy(bed).erase(findAccountHolding, '1')).toBe(true)
    expect(await me(bed, token)).toBe(401)
    const { db } = bed.database
    const [account] = await db.selectFrom('user_accounts').selectAll().orderBy('id').execute()
    expect(account).toMatchObject({
      login_index: 'erased 1',
      correo_index: 'erased 1',
      personal: '',
      password_hash: '',
    })
    expect(await db.selectFrom('idempotency_keys').selectAll().execute()).toEqual([])
    bed.clock.advance(6 * 24 * 60 * 60 * 1000)
    expect(await createReminders(bed, bed.clock, createLog('test', 'fatal')).sendDue()).toBe(1)
    expect((await createRoleDesk(bed, bed.clock).pending()).map(({ accountId }) => accountId)).toEqual([2])
    expect(await privacy(bed).export(findAccountHolding, '1')).toMatchObject({
      account: { erased: true, person: null },
      mailsNotSent: [],
      keptAnswers: [],
    })
    expect(await privacy(bed).erase(findAccountHolding, '1')).toBe(false)
    // Login, address and key are free again.
    const again = await registerAccount(bed, whole, keyed)
    expect([
      again.status,
      (JSON.parse(again.body) as { user: { usuario_id: number } }).user.usuario_id,
    ]).toEqual([201, 3])
  })

  test.for(['0', '2', '-1', '1.0', '01', 'x', '', '99999999999999999999', "1' or 1=1"])(
    '%j is nobody',
    async (id) => {
      await using bed = await openTestbed({ engine })
      await registerAccount(bed, whole)
      await expect(privacy(bed).export(findAccountHolding, id)).rejects.toMatchObject({
        code: 'person-unknown',
      })
      await expect(privacy(bed).erase(findAccountHolding, id)).rejects.toMatchObject({
        code: 'person-unknown',
      })
    },
  )
})
