import { describe, expect, test } from 'vitest'
import type { StaffCaseRow } from '../../database/rows/clients.ts'
import { engines, openTestbed, register, send, exampleBody, type Testbed } from '../../testbed.testing.ts'

const other = { codigoClienteVLT: 71, dni: '11111111', tarjeta: 'B1D3CCDB' }

async function answerOf(...request: Parameters<typeof register>): Promise<Record<string, unknown>> {
  const { status, body } = await register(...request)
  return { status, ...(JSON.parse(body) as object) }
}

/** Clients with what was sealed of them. */
async function clients({ database: { db }, vault }: Testbed) {
  const rows = await db.selectFrom('clients').selectAll().orderBy('id').execute()
  return rows.map(({ personal, dni_index: _index, ...row }) => ({
    ...row,
    ...(JSON.parse(vault.open(`clients:${row.codigo_cliente_vlt}`, personal)) as { dni?: string }),
  }))
}
const cards = ({ database: { db } }: Testbed) =>
  db.selectFrom('cards').selectAll().orderBy('registered_at').orderBy('uid').execute()
const consents = ({ database: { db } }: Testbed) =>
  db.selectFrom('consents').selectAll().orderBy('id').execute()
const cases = async ({ database: { db } }: Testbed): Promise<Partial<StaffCaseRow>[]> => {
  const rows = await db.selectFrom('staff_cases').selectAll().orderBy('id').execute()
  return rows.map(({ kind, client_id, other_client_id, claimed_codigo, card_uid, closed_at }) => ({
    kind,
    client_id,
    other_client_id,
    claimed_codigo,
    card_uid,
    closed_at,
  }))
}

describe.each(engines)('on %s', (engine) => {
  describe('what a registration stores', () => {
    test('a new client is stored with every field, its card and three consents', async () => {
      await using bed = await openTestbed({ engine })
      await register(bed.port, { tarjeta: ' a0:c2:bb:ca', enviarCorreo: false })
      const at = bed.clock.now()
      expect(await clients(bed)).toEqual([
        {
          id: 1,
          codigo_cliente_vlt: '70',
          codigoClienteVLT: '70',
          correo: 'cliente70@gmail.com',
          tipo_documento: '1',
          tipoDocumento: '1',
          dni: '74658993',
          nombre: 'Brandon',
          apellidoPaterno: 'Mamani',
          apellidoMaterno: 'Ayala',
          fechaNacimiento: '1995-04-23T13:47:04.200Z',
          direccion: 'Av. Bolognesi 123',
          telefono: '928570056',
          ubigeo: '230101',
          sexo: '1',
          active_card_uid: 'A0C2BBCA',
          created_at: at,
        },
      ])
      expect(await cards(bed)).toEqual([
        { uid: 'A0C2BBCA', client_id: 1, tarjeta: ' a0:c2:bb:ca', registered_at: at },
      ])
      const source = { source: 'vlt-clients', card_uid: 'A0C2BBCA', consent_text: null }
      const entry = { client_id: 1, ...source, recorded_at: at }
      expect(await consents(bed)).toEqual([
        { id: 1, ...entry, channel: 'whatsapp', granted: 1 },
        { id: 2, ...entry, channel: 'email', granted: 0 },
        { id: 3, ...entry, channel: 'sms', granted: 1 },
      ])
      expect(await cases(bed)).toEqual([])
    })

    test('a further card changes the active card and adds consents, and nothing else of the client', async () => {
      await using bed = await openTestbed({ engine })
      await register(bed.port)
      const [before] = await clients(bed)
      await register(bed.port, { tarjeta: 'B1D3CCDB', nombre: 'Bruno', correo: 'x@y.pe', enviarSms: false })
      expect(await clients(bed)).toEqual([{ ...before, active_card_uid: 'B1D3CCDB' }])
      expect((await cards(bed)).map(({ uid, client_id }) => [uid, client_id])).toEqual([
        ['A0C2BBCA', 1],
        ['B1D3CCDB', 1],
      ])
      expect(
        (await consents(bed)).map(({ channel, granted, card_uid }) => [channel, granted, card_uid]),
      ).toEqual([
        ['whatsapp', 1, 'A0C2BBCA'],
        ['email', 1, 'A0C2BBCA'],
        ['sms', 1, 'A0C2BBCA'],
        ['whatsapp', 1, 'B1D3CCDB'],
        ['email', 1, 'B1D3CCDB'],
        ['sms', 0, 'B1D3CCDB'],
      ])
    })

    test('a duplicate changes nothing, whatever else it says', async () => {
      await using bed = await openTestbed({ engine })
      await register(bed.port)
      await register(bed.port, { tarjeta: 'B1D3CCDB' })
      const before = [await clients(bed), await cards(bed), await consents(bed)]
      bed.clock.advance(5_000)
      const answer = await answerOf(bed.port, { nombre: 'Bruno', enviarSms: false })
      expect(answer).toMatchObject({ status: 200, id: 1, esDuplicado: true })
      expect([await clients(bed), await cards(bed), await consents(bed)]).toEqual(before)
    })

    test('integers of 64 bits are stored exactly', async () => {
      await using bed = await openTestbed({ engine })
      const body = JSON.stringify(exampleBody()).replace(':70,', ':9223372036854775807,')
      await send(bed.port, { headers: { 'content-type': 'application/json' }, body })
      expect((await clients(bed))[0]?.codigo_cliente_vlt).toBe('9223372036854775807')
    })

    test('the ledger of consents cannot be rewritten', async () => {
      await using bed = await openTestbed({ engine })
      await register(bed.port)
      const { db } = bed.database
      await expect(db.updateTable('consents').set({ granted: 0 }).execute()).rejects.toThrow('append-only')
      await expect(db.deleteFrom('consents').execute()).rejects.toThrow('append-only')
      expect(await consents(bed)).toHaveLength(3)
    })
  })

  describe('whom a registration is for', () => {
    test('codigo goes before document; where they differ nothing is merged and staff gets a case', async () => {
      await using bed = await openTestbed({ engine })
      await register(bed.port)
      await register(bed.port, other)
      const crossed = { codigoClienteVLT: 71, tarjeta: 'C0FFEE00' }
      expect(await answerOf(bed.port, crossed)).toMatchObject({ status: 201, id: 2, esDuplicado: false })
      expect((await clients(bed)).map(({ dni, active_card_uid }) => [dni, active_card_uid])).toEqual([
        ['74658993', 'A0C2BBCA'],
        ['11111111', 'C0FFEE00'],
      ])
      const conflict = {
        kind: 'identity-conflict',
        client_id: 2,
        other_client_id: 1,
        claimed_codigo: '71',
        card_uid: 'C0FFEE00',
        closed_at: null,
      }
      expect(await cases(bed)).toEqual([conflict])

      // The kiosk sends it again: the same case is not opened twice.
      expect(await answerOf(bed.port, crossed)).toMatchObject({ status: 200, id: 2, esDuplicado: true })
      expect(await cases(bed)).toEqual([conflict])
    })

    test('a card sent with the data of another client keeps its owner and opens a case', async () => {
      await using bed = await openTestbed({ engine })
      await register(bed.port)
      await register(bed.port, other)
      const foreign = { ...other, tarjeta: 'A0C2BBCA' }
      for (let time = 0; time < 2; time += 1) {
        expect(await answerOf(bed.port, foreign)).toMatchObject({ status: 200, id: 1, esDuplicado: true })
      }
      expect(await cases(bed)).toEqual([
        {
          kind: 'card-conflict',
          client_id: 1,
          other_client_id: 2,
          claimed_codigo: '71',
          card_uid: 'A0C2BBCA',
          closed_at: null,
        },
      ])
    })

    test('a card sent with an unknown codigo opens a case without another client', async () => {
      await using bed = await openTestbed({ engine })
      await register(bed.port)
      await register(bed.port, { codigoClienteVLT: 99, dni: undefined })
      expect(await cases(bed)).toMatchObject([
        { kind: 'card-conflict', client_id: 1, other_client_id: null, claimed_codigo: '99' },
      ])
      expect(await clients(bed)).toHaveLength(1)
    })

    test('a card sent with an unknown codigo and the document of its owner opens no case', async () => {
      await using bed = await openTestbed({ engine })
      await register(bed.port)
      await register(bed.port, { codigoClienteVLT: 99 })
      expect(await cases(bed)).toEqual([])
    })

    test('a card sent with the codigo of another client opens a case, even beside the document of its owner', async () => {
      await using bed = await openTestbed({ engine })
      await register(bed.port)
      await register(bed.port, other)
      await register(bed.port, { codigoClienteVLT: other.codigoClienteVLT })
      expect(await cases(bed)).toMatchObject([
        { kind: 'identity-conflict', client_id: 2, other_client_id: 1 },
        { kind: 'card-conflict', client_id: 1, other_client_id: 2, claimed_codigo: '71' },
      ])
    })

    test('a closed case is opened again when it happens again', async () => {
      await using bed = await openTestbed({ engine })
      await register(bed.port)
      await register(bed.port, { codigoClienteVLT: 99, dni: undefined })
      await bed.database.db.updateTable('staff_cases').set({ closed_at: bed.clock.now() }).execute()
      await register(bed.port, { codigoClienteVLT: 99, dni: undefined })
      expect((await cases(bed)).map(({ closed_at }) => closed_at === null)).toEqual([false, true])
    })

    test('by document the client keeps its codigo', async () => {
      await using bed = await openTestbed({ engine })
      await register(bed.port)
      await register(bed.port, { codigoClienteVLT: 99, tarjeta: 'B1D3CCDB' })
      expect((await clients(bed)).map(({ codigo_cliente_vlt }) => codigo_cliente_vlt)).toEqual(['70'])
    })

    test.for<[string, unknown, unknown, boolean]>([
      ['the same type', 1, 1, true],
      ['the same type, once as text', 1, '1', true],
      ['different types', 1, 4, false],
      ['a type stored, none sent', 1, undefined, true],
      ['none stored, a type sent', undefined, 4, true],
      ['no type on either side', undefined, undefined, true],
    ])('equal numbers with %s', async ([, stored, sent, same]) => {
      await using bed = await openTestbed({ engine })
      await register(bed.port, { tipoDocumento: stored })
      await register(bed.port, { tipoDocumento: sent, codigoClienteVLT: 99, tarjeta: 'B1D3CCDB' })
      expect(await clients(bed)).toHaveLength(same ? 1 : 2)
    })

    test('of several clients with the number, the one with the same type wins', async () => {
      await using bed = await openTestbed({ engine })
      await register(bed.port, { tipoDocumento: 1, tarjeta: '00000001' })
      await register(bed.port, { tipoDocumento: 4, tarjeta: '00000002', codigoClienteVLT: 71 })
      const answer = await answerOf(bed.port, { tipoDocumento: 4, tarjeta: '00000003', codigoClienteVLT: 72 })
      expect(answer).toMatchObject({ status: 201, id: 2, mensaje: 'tarjeta agregada al cliente existente' })
    })
  })
})
