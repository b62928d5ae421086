import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  engines,
  exampleBody,
  openTestbed,
  register,
  send,
  type Received,
  type Testbed,
} from '../testbed.testing.ts'
import { findClientHolding } from '../systems/vlt-clients/privacy.ts'
import { createPrivacy } from './privacy.ts'

const privacyOf = (bed: Testbed) => createPrivacy(bed, bed.clock)
const exportClient = (bed: Testbed, id = '1') => privacyOf(bed).export(findClientHolding, id)
const eraseClient = (bed: Testbed, id = '1') => privacyOf(bed).erase(findClientHolding, id)
const keyed = (key: string) => ({ headers: { 'idempotency-key': key } })
const answered = ({ status, body }: Received) => ({ status, ...(JSON.parse(body) as { id?: number }) })

const other = { codigoClienteVLT: 71, dni: '11111111', correo: 'other@example.com', tarjeta: 'C0FFEE00' }

/** A client with two cards, a conflict with another one, a mail that has not left, and a kept answer. */
async function openBedWithClient(engine: Testbed['database']['engine']): Promise<Testbed> {
  const bed = await openTestbed({ engine })
  await register(bed.port, {}, keyed('k'))
  await register(bed.port, { tarjeta: 'B1D3CCDB', enviarSms: false })
  await register(bed.port, other)
  await register(bed.port, { ...other, tarjeta: 'A0C2BBCA' })
  const mail = { subject: 'Hola Brandon', text: 'texto', html: '' }
  await bed.database.transact(async (tx) => {
    await bed.mailbox.queue(tx, { ...mail, to: 'Cliente70@Gmail.com' })
    await bed.mailbox.queue(tx, { ...mail, to: 'other@example.com' })
  })
  return bed
}

async function trail({ database: { db } }: Testbed): Promise<string[]> {
  const rows = await db.selectFrom('audit_events').selectAll().orderBy('seq').execute()
  return rows.map(({ action, actor, subject, details }) => `${action} ${actor} ${subject} ${details}`)
}

describe.each(engines)('on %s', (engine) => {
  describe('the export of a client', () => {
    test('has everything that is held of the person', async () => {
      await using bed = await openBedWithClient(engine)
      const at = '2026-03-01T12:00:00.000Z'
      const { tarjeta: _card, enviarWhatsApp: _1, enviarCorreo: _2, enviarSms: _3, ...person } = exampleBody()
      const consent = { source: 'vlt-clients', text: null, recordedAt: at }
      expect(await exportClient(bed)).toEqual({
        exportedAt: at,
        subject: 'client 1',
        client: {
          id: 1,
          createdAt: at,
          erased: false,
          person: { ...person, codigoClienteVLT: '70', sexo: '1', tipoDocumento: '1' },
        },
        cards: [
          { uid: 'A0C2BBCA', tarjeta: 'A0C2BBCA', registeredAt: at, active: false },
          { uid: 'B1D3CCDB', tarjeta: 'B1D3CCDB', registeredAt: at, active: true },
        ],
        consents: [
          { ...consent, channel: 'whatsapp', granted: true, cardUid: 'A0C2BBCA' },
          { ...consent, channel: 'email', granted: true, cardUid: 'A0C2BBCA' },
          { ...consent, channel: 'sms', granted: true, cardUid: 'A0C2BBCA' },
          { ...consent, channel: 'whatsapp', granted: true, cardUid: 'B1D3CCDB' },
          { ...consent, channel: 'email', granted: true, cardUid: 'B1D3CCDB' },
          { ...consent, channel: 'sms', granted: false, cardUid: 'B1D3CCDB' },
        ],
        staffCases: [
          {
            id: 1,
            kind: 'card-conflict',
            claimedCodigo: '71',
            cardUid: 'A0C2BBCA',
            openedAt: at,
            closedAt: null,
          },
        ],
        mailsNotSent: [
          {
            queuedAt: at,
            state: 'pending',
            to: 'Cliente70@Gmail.com',
            subject: 'Hola Brandon',
            text: 'texto',
          },
        ],
        keptAnswers: [
          {
            route: '/api/clientes',
            idempotencyKey: 'k',
            keptAt: at,
            status: 201,
            body: { id: 1, tarjeta: 'A0C2BBCA', mensaje: 'cliente nuevo', esDuplicado: false },
          },
        ],
      })
      expect(await trail(bed)).toEqual(['person-exported operator client 1 {}'])
    })

    test.for(['0', '3', '-1', '1e0', '01', ' 1', 'x', '', '9999999999', '99999999999999999999'])(
      'of "%s" is refused and leaves no trace',
      async (id) => {
        await using bed = await openBedWithClient(engine)
        await expect(exportClient(bed, id)).rejects.toMatchObject({ code: 'person-unknown' })
        await expect(eraseClient(bed, id)).rejects.toMatchObject({ code: 'person-unknown' })
        expect(await trail(bed)).toEqual([])
      },
    )
  })

  describe('an erased client', () => {
    test('is an id without a person, whose consents are withdrawn and whose cases are closed', async () => {
      await using bed = await openBedWithClient(engine)
      bed.clock.advance(60_000)
      expect(await eraseClient(bed)).toBe(true)
      const at = '2026-03-01T12:01:00.000Z'
      const { db } = bed.database
      expect(await db.selectFrom('clients').selectAll().where('id', '=', 1).execute()).toEqual([
        {
          id: 1,
          codigo_cliente_vlt: 'erased 1',
          tipo_documento: null,
          dni_index: null,
          personal: '',
          active_card_uid: '',
          created_at: '2026-03-01T12:00:00.000Z',
        },
      ])
      const left = await exportClient(bed)
      expect(left).toMatchObject({
        client: { erased: true, person: null },
        cards: [{ active: false }, { active: false }],
        staffCases: [{ closedAt: at }],
        mailsNotSent: [],
        keptAnswers: [],
      })
      expect((await db.selectFrom('mails').select('id').execute()).map(({ id }) => id)).toEqual([2])
      const withdrawn = { granted: false, source: 'erase', cardUid: null, text: null, recordedAt: at }
      expect((left['consents'] as unknown[]).slice(6)).toEqual([
        { ...withdrawn, channel: 'whatsapp' },
        { ...withdrawn, channel: 'email' },
        { ...withdrawn, channel: 'sms' },
      ])
      expect(await trail(bed)).toEqual([
        'person-erased operator client 1 {}',
        'person-exported operator client 1 {}',
      ])
    })

    test('takes nobody else along', async () => {
      await using bed = await openBedWithClient(engine)
      const before = await exportClient(bed, '2')
      await eraseClient(bed)
      const closed = (before['staffCases'] as { closedAt: unknown }[]).map((found) => ({
        ...found,
        closedAt: bed.clock.now(),
      }))
      expect(await exportClient(bed, '2')).toEqual({ ...before, staffCases: closed })
    })

    test('is erased once: again changes nothing and is not in the trail', async () => {
      await using bed = await openBedWithClient(engine)
      await eraseClient(bed)
      const once = await exportClient(bed)
      expect(await eraseClient(bed)).toBe(false)
      expect(await exportClient(bed)).toEqual(once)
      expect((await trail(bed)).filter((event) => event.startsWith('person-erased'))).toHaveLength(1)
    })

    test('keeps its cards, and the person can come back with a new one as somebody new', async () => {
      await using bed = await openBedWithClient(engine)
      await eraseClient(bed)
      for (const tarjeta of ['A0C2BBCA', 'B1D3CCDB']) {
        const again = await register(bed.port, { tarjeta }, keyed(tarjeta))
        expect(answered(again)).toMatchObject({ status: 200, id: 1, esDuplicado: true })
      }
      expect(await bed.database.db.selectFrom('clients').selectAll().execute()).toHaveLength(2)
      const back = await register(bed.port, { tarjeta: 'D00DF00D' })
      expect(answered(back)).toMatchObject({ status: 201, id: 3, mensaje: 'cliente nuevo' })
      const byDocument = await register(bed.port, { codigoClienteVLT: 99, tarjeta: 'D00DF00E' })
      expect(answered(byDocument)).toMatchObject({ status: 201, id: 3 })
    })

    test('has its kept answers forgotten: its key is free again', async () => {
      await using bed = await openBedWithClient(engine)
      await eraseClient(bed)
      const again = await register(bed.port, {}, keyed('k'))
      expect(answered(again)).toMatchObject({ status: 200, id: 1, esDuplicado: true })
      expect(again.headers['idempotency-replayed']).toBeUndefined()
    })

    test('stays erased whatever is registered at the same moment', async () => {
      await using bed = await openTestbed({ engine })
      for (let client = 1; client <= 12; client += 1) {
        const person = { codigoClienteVLT: client, dni: String(client) }
        const card = (n: number): string => (client * 100 + n).toString(16).padStart(8, '0')
        const first = await register(bed.port, { ...person, tarjeta: card(0) })
        const id = String(answered(first).id)
        await Promise.all([
          register(bed.port, { ...person, tarjeta: card(1) }),
          eraseClient(bed, id),
          register(bed.port, { ...person, codigoClienteVLT: 1_000 + client, tarjeta: card(2) }),
        ])
        const row = await bed.database.db
          .selectFrom('clients')
          .selectAll()
          .where('id', '=', Number(id))
          .executeTakeFirstOrThrow()
        expect(row).toMatchObject({ personal: '', active_card_uid: '', dni_index: null })
      }
    })
  })
})

test('an erased client is not readable in the files of the database any more', async () => {
  await using bed = await openBedWithClient('sqlite')
  for (let n = 1; n <= 150; n += 1) {
    const person = { codigoClienteVLT: 1_000 + n, dni: `9${String(n)}`, direccion: 'x'.repeat(n) }
    await register(bed.port, { ...person, tarjeta: n.toString(16).padStart(8, '0') }, keyed(String(n)))
  }
  const { db } = bed.database
  const client = await db.selectFrom('clients').selectAll().where('id', '=', 1).executeTakeFirstOrThrow()
  const mails = await db.selectFrom('mails').select('content').execute()
  const answers = await db.selectFrom('idempotency_keys').selectAll().where('key', '=', 'k').execute()
  const gone = [
    client.personal,
    client.dni_index ?? 'none',
    mails[0]?.content ?? 'none',
    ...answers.flatMap(({ answer, request_index }) => [answer, request_index]),
  ]
  const found = (): string[] => {
    const files = ['server.db', 'server.db-wal', 'server.db-shm']
    const bytes = files.map((name) => readFileSync(join(bed.folder, name), 'latin1')).join()
    return gone.filter((text) => bytes.includes(text.slice(-40)))
  }
  expect(found()).toEqual(gone)
  await eraseClient(bed)
  expect(found()).toEqual([])
  // And the server works on.
  expect((await send(bed.port, { method: 'GET', path: '/health/ready' })).status).toBe(200)
  expect((await register(bed.port, { codigoClienteVLT: 5, dni: '5', tarjeta: 'ABCDEF01' })).status).toBe(201)
})
