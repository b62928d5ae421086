import { describe, expect, test } from 'vitest'
import { ticketHeader } from '../../../shared/contracts/customer-accounts.ts'
import { engines, holdWrites, openTestbed, type Testbed } from '../../testbed.testing.ts'
import { documentIndex, emailIndex, type KeptProfile, profilePurpose } from './account.ts'
import {
  createCustomer,
  example,
  exampleProfile,
  guess,
  mailedCode,
  mails,
  post,
  start,
  verify,
  wrong,
} from './customers.testing.ts'

const minute = 60_000

const withTicket = (ticket: string) => ({ headers: { [ticketHeader]: ticket } })

async function accounts({ database: { db }, vault }: Testbed) {
  const rows = await db.selectFrom('customer_accounts').selectAll().orderBy('id').execute()
  return rows.map(({ profile, ...row }) => ({
    ...row,
    profile: JSON.parse(vault.open(profilePurpose(row.email_index), profile)) as KeptProfile,
  }))
}

describe.each(engines)('on %s', (engine) => {
  describe('the three steps and the login', () => {
    test('a customer registers and logs in', async () => {
      await using bed = await openTestbed({ engine })
      expect((await start(bed)).json).toEqual({
        message: 'Código de verificación enviado al correo electrónico',
        status: 200,
      })
      const verified = await guess(bed, await mailedCode(bed))
      expect(verified.json).toEqual({ message: 'Cuenta verificada exitosamente', status: 200 })
      const created = await post(
        bed,
        'create',
        exampleProfile(),
        withTicket(String(verified.headers[ticketHeader])),
      )
      const data = { id: 1, nombres: 'Juan Pérez', email: example }
      expect(created.json).toEqual({ message: 'Cliente creado exitosamente', status: 200, data })
      const login = await post(bed, 'login', { email: example, password: 'securePassword123' })
      expect(login.json).toMatchObject({ status: 200, data })
      expect(await bed.tokens.verify(String(login.json.data?.['token']))).toMatchObject({
        aud: 'customer-accounts',
        sub: '1',
      })
    })

    test('everything is stored as the contract reads it, sealed, the password as a hash', async () => {
      await using bed = await openTestbed({ engine })
      await createCustomer(bed, {
        email: ' Juan.PEREZ@Example.com ',
        id_distrito: 10_101,
        tipo_cliente: 'juridica',
        direcciones: [{ calle: 'Av. Sol 1', lat: -12.0464, ref: null }],
      })
      const [account] = await accounts(bed)
      const { password: _secret, ...sent } = exampleProfile()
      expect(account).toEqual({
        id: 1,
        email_index: emailIndex(bed.vault, example),
        document_index: documentIndex(bed.vault, '12345678'),
        password_hash: expect.stringMatching(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/) as string,
        created_at: bed.clock.now(),
        profile: {
          ...sent,
          id_distrito: '010101',
          tipo_cliente: 'Jurídica',
          direcciones: '[{"calle":"Av. Sol 1","lat":-12.0464,"ref":null}]',
        },
      })
    })

    test('nothing personal, no code, ticket or password stands in the database', async () => {
      await using bed = await openTestbed({ engine })
      const ticket = await verify(bed)
      const code = await mailedCode(bed)
      await post(bed, 'create', exampleProfile({ direcciones: [{ calle: 'Av. Bolognesi' }] }), {
        headers: { [ticketHeader]: ticket, 'idempotency-key': 'k' },
      })
      await start(bed, 'another@example.com')
      const { db } = bed.database
      const tables = ['customer_accounts', 'customer_attempts', 'mails', 'idempotency_keys'] as const
      const rows = await Promise.all(tables.map((table) => db.selectFrom(table).selectAll().execute()))
      expect(rows.every((found) => found.length > 0)).toBe(true)
      const everything = JSON.stringify(rows)
      for (const secret of [ticket, code, 'Juan P', 'example', '12345678"', 'securePassword', 'Bolognesi']) {
        expect(everything).not.toContain(secret)
      }
    })

    test('numbers of 64 bits in addresses are kept exactly', async () => {
      await using bed = await openTestbed({ engine })
      const ticket = await verify(bed)
      const body = JSON.stringify(exampleProfile({ direcciones: [{ ref: 7 }] }))
      await post(bed, 'create', body.replace(':7}', ':9223372036854775807}'), withTicket(ticket))
      expect((await accounts(bed))[0]?.profile.direcciones).toBe('[{"ref":9223372036854775807}]')
    })
  })

  describe('the ticket', () => {
    test('is good for 30 minutes and no longer', async () => {
      await using bed = await openTestbed({ engine })
      const ticket = await verify(bed)
      bed.clock.advance(30 * minute - 1)
      expect((await post(bed, 'create', exampleProfile(), withTicket('another'))).status).toBe(403)
      bed.clock.advance(1)
      expect((await post(bed, 'create', exampleProfile(), withTicket(ticket))).status).toBe(403)
      expect((await post(bed, 'create', exampleProfile())).status).toBe(403)
      expect(await accounts(bed)).toEqual([])
    })

    test('is good until its last millisecond', async () => {
      await using bed = await openTestbed({ engine })
      const ticket = await verify(bed)
      bed.clock.advance(30 * minute - 1)
      expect((await post(bed, 'create', exampleProfile(), withTicket(ticket))).status).toBe(200)
    })

    test('belongs to its address', async () => {
      await using bed = await openTestbed({ engine })
      const ticket = await verify(bed)
      await start(bed, 'other@example.com')
      const stolen = await post(
        bed,
        'create',
        exampleProfile({ email: 'other@example.com' }),
        withTicket(ticket),
      )
      expect(stolen.status).toBe(403)
    })

    test('is used up by the account, also for the network that verified the address', async () => {
      await using bed = await openTestbed({ engine })
      const ticket = await verify(bed)
      expect((await post(bed, 'create', exampleProfile(), withTicket(ticket))).status).toBe(200)
      const again = exampleProfile({ numero_documento: '87654321' })
      expect((await post(bed, 'create', again, withTicket(ticket))).status).toBe(403)
      expect((await post(bed, 'create', again)).status).toBe(403)
      expect(await accounts(bed)).toHaveLength(1)
    })

    test('is not burnt by wrong fields', async () => {
      await using bed = await openTestbed({ engine })
      const ticket = await verify(bed)
      expect(
        (await post(bed, 'create', exampleProfile({ password: 'short' }), withTicket(ticket))).status,
      ).toBe(400)
      expect((await post(bed, 'create', exampleProfile(), withTicket(ticket))).status).toBe(200)
    })

    test('is not burnt by a document number that is taken, but five of them are enough', async () => {
      await using bed = await openTestbed({ engine })
      await createCustomer(bed)
      const second = { email: 'second@example.com' }
      const ticket = await verify(bed, second.email)
      for (let time = 0; time < 4; time += 1) {
        const taken = await post(
          bed,
          'create',
          exampleProfile({ ...second, numero_documento: '1234-5678' }),
          withTicket(ticket),
        )
        expect([taken.status, taken.json.errors]).toEqual([
          409,
          { numero_documento: ['El valor del campo numero_documento ya está registrado.'] },
        ])
      }
      const own = exampleProfile({ ...second, numero_documento: '1' })
      expect((await post(bed, 'create', own, withTicket(ticket))).status).toBe(200)

      const third = await verify(bed, 'third@example.com')
      const statuses: number[] = []
      for (const numero_documento of ['12345678', '12345678', '12345678', '12345678', '12345678', '3']) {
        const body = exampleProfile({ email: 'third@example.com', numero_documento })
        statuses.push((await post(bed, 'create', body, withTicket(third))).status)
      }
      expect(statuses).toEqual([409, 409, 409, 409, 409, 403])
    })

    test('of a code that was verified again takes the place of the one before', async () => {
      await using bed = await openTestbed({ engine })
      const first = await verify(bed)
      bed.clock.advance(minute)
      const second = await verify(bed)
      expect((await post(bed, 'create', exampleProfile(), withTicket(first))).status).toBe(403)
      expect((await post(bed, 'create', exampleProfile(), withTicket(second))).status).toBe(200)
    })

    test('outlives a registration that somebody else starts', async () => {
      await using bed = await openTestbed({ engine })
      const ticket = await verify(bed)
      bed.clock.advance(minute)
      await start(bed)
      expect((await post(bed, 'create', exampleProfile(), withTicket(ticket))).status).toBe(200)
    })

    test('a code that was not used when the account came is good for nothing', async () => {
      await using bed = await openTestbed({ engine })
      const ticket = await verify(bed)
      bed.clock.advance(minute)
      await start(bed)
      const code = await mailedCode(bed)
      await post(bed, 'create', exampleProfile(), withTicket(ticket))
      expect((await guess(bed, code)).status).toBe(400)
    })
  })

  describe('without the header', () => {
    test('the network that verified the address may go on, and its owner is told', async () => {
      await using bed = await openTestbed({ engine })
      await verify(bed, example, { from: '127.0.0.7' })
      expect((await post(bed, 'create', exampleProfile(), { from: '127.0.0.8' })).status).toBe(403)
      expect((await post(bed, 'create', exampleProfile(), { from: '127.0.0.7' })).status).toBe(200)
      expect((await mails(bed)).at(-1)).toMatchObject({ to: example, subject: 'Su cuenta fue creada' })
    })

    test('networks are those behind a listed proxy', async () => {
      await using bed = await openTestbed({ engine, trustedProxy: ['127.0.0.0/8'] })
      const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })
      await verify(bed, example, from('2001:db8::1'))
      expect((await post(bed, 'create', exampleProfile(), from('2001:db8:0:1::1'))).status).toBe(403)
      expect((await post(bed, 'create', exampleProfile(), from('unknown'))).status).toBe(403)
      expect((await post(bed, 'create', exampleProfile(), from('2001:db8::2'))).status).toBe(200)
    })

    test('two clients of which nobody knows the network are not the same', async () => {
      await using bed = await openTestbed({ engine, trustedProxy: ['127.0.0.0/8'] })
      const unknown = { headers: { 'x-forwarded-for': 'unknown' } }
      await verify(bed, example, unknown)
      expect((await post(bed, 'create', exampleProfile(), unknown)).status).toBe(403)
    })

    test('a wrong header is not made up for by the network', async () => {
      await using bed = await openTestbed({ engine })
      await verify(bed)
      expect((await post(bed, 'create', exampleProfile(), withTicket('wrong'))).status).toBe(403)
      expect((await post(bed, 'create', exampleProfile(), withTicket(''))).status).toBe(403)
    })
  })

  describe('an idempotency key', () => {
    const keyed = (key: string) => ({ headers: { 'idempotency-key': key } })

    test('replays every step: one mail, the same ticket, one account, the same token', async () => {
      await using bed = await openTestbed({ engine })
      const twice = async (request: () => ReturnType<typeof start>) => {
        const [first, second] = [await request(), await request()]
        expect(second.status).toBe(200)
        expect(second.body).toBe(first.body)
        expect([first.headers['idempotency-replayed'], second.headers['idempotency-replayed']]).toEqual([
          undefined,
          'true',
        ])
        return [first, second] as const
      }
      await twice(() => start(bed, example, keyed('k')))
      expect(await mails(bed)).toHaveLength(1)
      const code = await mailedCode(bed)
      const [first, second] = await twice(() => guess(bed, code, example, keyed('k')))
      const ticket = String(first.headers[ticketHeader])
      expect(second.headers[ticketHeader]).toBe(ticket)
      const headers = { ...keyed('k').headers, [ticketHeader]: ticket }
      await twice(() => post(bed, 'create', exampleProfile(), { headers }))
      expect(await accounts(bed)).toHaveLength(1)
      const credentials = { email: example, password: 'securePassword123' }
      await twice(() => post(bed, 'login', credentials, keyed('k')))
    })

    test('of another body is refused at every step', async () => {
      await using bed = await openTestbed({ engine })
      const ticket = await verify(bed, example, keyed('k'))
      const headers = { ...keyed('k').headers, [ticketHeader]: ticket }
      await post(bed, 'create', exampleProfile(), { headers })
      await post(bed, 'login', { email: example, password: 'securePassword123' }, keyed('k'))
      const answers = [
        await start(bed, 'other@example.com', keyed('k')),
        await guess(bed, '000000', 'other@example.com', keyed('k')),
        await post(bed, 'create', exampleProfile({ celular: null }), { headers }),
        await post(bed, 'login', { email: example, password: 'wrong' }, keyed('k')),
      ]
      expect(answers.map(({ status }) => status)).toEqual([422, 422, 422, 422])
      expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    })

    test('whose first request still runs is refused, and replays later', async () => {
      await using bed = await openTestbed({ engine })
      const busy = await holdWrites(bed, 'customer_attempts')
      // Either may come first; the other one finds it in flight.
      const both = [start(bed, example, keyed('k')), start(bed, example, keyed('k'))]
      const early = await Promise.race(both)
      expect([early.status, early.headers['retry-after'], early.headers['idempotency-key-state']]).toEqual([
        409,
        '1',
        'in-progress',
      ])
      expect(early.json).toEqual({
        message: 'Una solicitud con esta Idempotency-Key todavía está en proceso.',
        status: 409,
      })
      await busy.release()
      expect((await Promise.all(both)).map(({ status }) => status).sort()).toEqual([200, 409])
      expect((await start(bed, example, keyed('k'))).headers['idempotency-replayed']).toBe('true')
      expect(await mails(bed)).toHaveLength(1)
    })

    test('is free after a refusal', async () => {
      await using bed = await openTestbed({ engine })
      await start(bed)
      const code = await mailedCode(bed)
      expect((await guess(bed, wrong(code), example, keyed('k'))).status).toBe(400)
      expect((await post(bed, 'create', exampleProfile(), keyed('k'))).status).toBe(403)
      expect((await guess(bed, code, example, keyed('k'))).status).toBe(200)
      expect((await post(bed, 'create', exampleProfile(), keyed('k'))).status).toBe(200)
    })
  })

  test('a mail server that does not answer fails no step', async () => {
    await using bed = await openTestbed({ engine, flags: { smtpUrl: 'smtp://127.0.0.1:1' } })
    expect((await createCustomer(bed)).status).toBe(200)
    expect(await mails(bed)).toHaveLength(2)
  })

  test('step and mail are stored together or not at all', async () => {
    await using bed = await openTestbed({ engine })
    const { db } = bed.database
    await db.schema.alterTable('mails').renameTo('mails_away').execute()
    expect((await start(bed)).status).toBe(500)
    expect(await db.selectFrom('customer_attempts').selectAll().execute()).toEqual([])
    await db.schema.alterTable('mails_away').renameTo('mails').execute()
    const ticket = await verify(bed)
    await db.schema.alterTable('mails').renameTo('mails_away').execute()
    expect((await post(bed, 'create', exampleProfile(), withTicket(ticket))).status).toBe(500)
    expect(await accounts(bed)).toEqual([])
    await db.schema.alterTable('mails_away').renameTo('mails').execute()
    expect((await post(bed, 'create', exampleProfile(), withTicket(ticket))).status).toBe(200)
  })
})
