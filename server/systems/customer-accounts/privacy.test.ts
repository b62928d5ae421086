import { describe, expect, test } from 'vitest'
import { ticketHeader } from '../../../shared/contracts/customer-accounts.ts'
import { createPrivacy } from '../../privacy/privacy.ts'
import { engines, openTestbed, type Testbed } from '../../testbed.testing.ts'
import { createCustomer, example, exampleProfile, post, verify } from './customers.testing.ts'
import { findCustomerHolding } from './privacy.ts'

const privacy = (bed: Testbed) => createPrivacy(bed, bed.clock)
const credentials = { email: example, password: 'securePassword123' }

async function createKeyed(bed: Testbed): Promise<void> {
  const headers = { [ticketHeader]: await verify(bed), 'idempotency-key': 'k' }
  await post(bed, 'create', exampleProfile(), { headers })
}

describe.each(engines)('on %s', (engine) => {
  test('an export holds all that is kept of the customer, and no password', async () => {
    await using bed = await openTestbed({ engine })
    await createKeyed(bed)
    const exported = await privacy(bed).export(findCustomerHolding, '1')
    const { password: _secret, ...sent } = exampleProfile()
    expect(exported).toMatchObject({
      subject: 'customer-account 1',
      account: {
        id: 1,
        createdAt: bed.clock.now(),
        erased: false,
        customer: { ...sent, id_distrito: '150101', direcciones: '[]' },
      },
      mailsNotSent: [{ to: example }, { to: example }],
      keptAnswers: [{ route: '/auth/clienteCrear', idempotencyKey: 'k', status: 200 }],
    })
    expect(JSON.stringify(exported)).not.toMatch(/argon2|securePass/)
  })

  test('an erased customer is nobody, and address and document number are free again', async () => {
    await using bed = await openTestbed({ engine })
    await createKeyed(bed)
    await createCustomer(bed, { email: 'ana@example.com', numero_documento: '2' })
    await post(bed, 'login', { ...credentials, password: 'wrong' })
    expect(await privacy(bed).erase(findCustomerHolding, '1')).toBe(true)

    const { db } = bed.database
    const [account] = await db.selectFrom('customer_accounts').selectAll().orderBy('id').execute()
    expect(account).toMatchObject({
      email_index: 'erased 1',
      document_index: 'erased 1',
      profile: '',
      password_hash: '',
    })
    expect((await post(bed, 'login', credentials)).status).toBe(401)
    expect((await post(bed, 'login', { ...credentials, email: 'ana@example.com' })).status).toBe(200)
    expect(await privacy(bed).export(findCustomerHolding, '1')).toMatchObject({
      account: { erased: true, customer: null },
      mailsNotSent: [],
      keptAnswers: [],
    })
    expect(await privacy(bed).erase(findCustomerHolding, '1')).toBe(false)
    expect((await createCustomer(bed)).json.data?.['id']).toBe(3)
  })

  test.for(['0', '2', '-1', 'x', '99999999999999999999'])('%j is nobody', async (id) => {
    await using bed = await openTestbed({ engine })
    await createCustomer(bed)
    await expect(privacy(bed).export(findCustomerHolding, id)).rejects.toMatchObject({
      code: 'person-unknown',
    })
  })
})
