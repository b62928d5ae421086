import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import {
  joinPath,
  keyPath,
  maxBatchBytes,
  registrationsPath,
  reportPath,
} from '../../shared/contracts/kiosk-sync.ts'
import { newKey } from '../../shared/http-signatures/ed25519.ts'
import { verifyTrail } from '../audit/verify.ts'
import { createPrivacy } from '../privacy/privacy.ts'
import { createCaseDesk } from '../systems/vlt-clients/cases.ts'
import { findClientHolding } from '../systems/vlt-clients/privacy.ts'
import { engines, openTestbed, register, type Received, send, type Testbed } from '../testbed.testing.ts'
import { createKioskDesk } from './desk.ts'
import { item, joinedKiosk, newCode, testEpoch, TestKiosk } from './kiosk.testing.ts'

const told = ({ status, body }: Received): [number, unknown] => {
  const { code } = JSON.parse(body) as { code?: string }
  return [status, code]
}
const counted = async ({ database }: Testbed, table: 'clients' | 'cards' | 'consents'): Promise<number> =>
  (await database.db.selectFrom(table).selectAll().execute()).length
const cases = async (bed: Testbed) => {
  const found = await createCaseDesk(bed, bed.clock).list('all')
  return found.map(({ kind, kiosk_id: kiosk, details }) => ({
    ...{ kind, kiosk, details: JSON.parse(details ?? '{}') as Record<string, unknown> },
  }))
}
const stateOf = async (bed: Testbed, id = 1): Promise<string | undefined> =>
  (await createKioskDesk(bed, bed.clock).list()).find((kiosk) => kiosk.id === id)?.state

describe.each(engines)('on %s', (engine) => {
  describe('a code', () => {
    test('lets one kiosk in, and answers its key again', async () => {
      await using bed = await openTestbed({ engine })
      const code = await newCode(bed, { name: 'Lobby north' })
      const [kiosk, other] = [new TestKiosk(bed.port), new TestKiosk(bed.port)]
      const { status, body } = await kiosk.join(code.toLowerCase().replaceAll('-', ' '), 'ignored')
      expect(status).toBe(201)
      expect(JSON.parse(body)).toEqual({
        ...{ kioskId: 1, name: 'Lobby north', state: 'active' },
        fingerprint: expect.stringMatching(/^[0-9A-F-]{19}$/) as string,
      })
      expect((await kiosk.join(code)).body).toBe(body)
      expect(told(await other.join(code))).toEqual([403, 'code-refused'])
      expect(await createKioskDesk(bed, bed.clock).list()).toHaveLength(1)
    })

    test('is refused once it is over, and when it is none, in the same words', async () => {
      await using bed = await openTestbed({ engine })
      const code = await newCode(bed, { livesMs: 60_000 })
      const kiosk = new TestKiosk(bed.port)
      const { body } = await kiosk.join('7K2Q-9FMX-4TBA')
      bed.clock.advance(60_000)
      const over = await kiosk.join(code)
      expect([over.status, over.body]).toEqual([403, body])
    })

    test('needs the key it lets in', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = new TestKiosk(bed.port)
      const code = await newCode(bed)
      const request = { code, publicKey: { kty: 'OKP', crv: 'Ed25519', x: newKey().x }, version: '1' }
      expect(told(await kiosk.post(joinPath, request, { sequence: 0 }))).toEqual([401, 'signature-invalid'])
      expect((await kiosk.join(code)).status).toBe(201)
    })

    test('is kept as a keyed hash alone, and cannot be guessed at leisure', async () => {
      await using bed = await openTestbed({ engine })
      const code = await newCode(bed)
      const kept = JSON.stringify(await bed.database.db.selectFrom('kiosk_codes').selectAll().execute())
      expect(kept).not.toContain(code.slice(0, 4))
      const kiosk = new TestKiosk(bed.port)
      for (let guess = 0; guess < 10; guess += 1) await kiosk.join('7K2Q-9FMX-4TBA')
      const { status, headers } = await kiosk.join(code)
      expect([status, headers['retry-after']]).toEqual([429, '60'])
    })

    test('lets a kiosk wait for the operator where it does not activate', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = new TestKiosk(bed.port)
      const joined = await kiosk.join(await newCode(bed, { activates: false }), 'Own name')
      expect(JSON.parse(joined.body)).toMatchObject({ state: 'pending', name: 'Own name' })
      expect(told(await kiosk.batch([item(1)]))).toEqual([403, 'kiosk-pending'])
      await createKioskDesk(bed, bed.clock).activate(1)
      expect((await kiosk.batch([item(1)])).status).toBe(200)
    })

    test('of a kiosk lets it in again under its id, with another key and a new count', async () => {
      await using bed = await openTestbed({ engine })
      const old = await joinedKiosk(bed)
      await old.batch([item(1)], { sequence: 500 })
      await createKioskDesk(bed, bed.clock).revoke(1)
      expect(told(await old.batch([item(2)], { sequence: 501 }))).toEqual([403, 'kiosk-revoked'])
      const again = new TestKiosk(bed.port)
      expect((await again.join(await newCode(bed, { kioskId: 1 }))).status).toBe(201)
      expect(again.id).toBe(1)
      expect((await again.batch([item(2)])).status).toBe(200)
      expect(told(await old.batch([item(3)], { sequence: 502 }))).toEqual([401, 'key-unknown'])
    })
  })

  describe('a batch', () => {
    test('is answered item by item as the documented endpoint would', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      const bad = { ...item(2), body: '{"codigoClienteVLT":"x"}' }
      const broken = { ...item(3), body: '{' }
      const strange = { ...item(4), system: 'weather' }
      const results = await kiosk.results([item(1), bad, broken, strange, item(5)])
      expect(results.map(({ status }) => status)).toEqual([201, 422, 422, 404, 201])
      for (const [place, sent] of [item(1), bad, broken].entries()) {
        const headers = { 'content-type': 'application/json', 'idempotency-key': sent.idempotencyKey }
        const alone = await send(bed.port, { body: sent.body, headers })
        expect([alone.status, alone.body]).toEqual([results[place]?.status, results[place]?.body])
      }
      expect(await counted(bed, 'cards')).toBe(2)
    })

    test('counts a registration once, whichever way and however often it comes', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      const alone = {
        body: item(1).body,
        headers: { 'content-type': 'application/json', 'idempotency-key': 'key-1' },
      }
      const first = await send(bed.port, alone)
      const [one, two] = await kiosk.results([item(1), item(2)])
      expect(one).toEqual({
        ...{ idempotencyKey: 'key-1', status: 201, body: first.body },
        headers: { 'idempotency-replayed': 'true' },
      })
      const [, again] = await kiosk.results([item(1), item(2)])
      expect(again).toEqual({ ...two, headers: { 'idempotency-replayed': 'true' } })
      const back = await send(bed.port, {
        ...alone,
        body: item(2).body,
        headers: { ...alone.headers, 'idempotency-key': 'key-2' },
      })
      expect([back.status, back.headers['idempotency-replayed']]).toEqual([201, 'true'])
      expect([await counted(bed, 'cards'), await counted(bed, 'consents')]).toEqual([2, 6])
      const epochs = await bed.database.db.selectFrom('kiosk_epochs').select('taken').execute()
      expect(epochs).toEqual([{ taken: 2 }])
    })

    test('says of a duplicate whether the card is the client’s own, also when asked again; nobody else hears it', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      await kiosk.results([item(1), item(2)])
      const { tarjeta } = JSON.parse(item(1).body) as { tarjeta: string }
      const again = { ...item(3, { codigoClienteVLT: 1, dni: '1', tarjeta }), idempotencyKey: 'own' }
      const byDocument = {
        ...item(4, { codigoClienteVLT: 99, dni: '1', tarjeta }),
        idempotencyKey: 'document',
      }
      const others = { ...item(5, { codigoClienteVLT: 2, dni: '2', tarjeta }), idempotencyKey: 'other' }
      const nobodys = { ...item(6, { codigoClienteVLT: 98, dni: '98', tarjeta }), idempotencyKey: 'new' }
      const items = [again, byDocument, others, nobodys, item(7)]
      const owners = ['own', 'own', 'other', 'other', undefined]
      const first = await kiosk.results(items)
      expect(first.map(({ owner }) => owner)).toEqual(owners)
      expect((await kiosk.results(items)).map(({ owner }) => owner)).toEqual(owners)
      // The documented endpoint: the same body, byte for byte, and nothing beside it.
      for (const key of ['own', 'unknown']) {
        const headers = { 'content-type': 'application/json', 'idempotency-key': key }
        const alone = await send(bed.port, { body: again.body, headers })
        expect([alone.status, alone.body]).toEqual([200, first[0]?.body])
        expect(JSON.stringify(alone.headers)).not.toContain('own')
      }
    })

    test('brings the version of the text that was shown beside the consents, for the ledger', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      const shown = { ...item(1), consentText: 'kiosk-2026-11-es' }
      const card = { ...item(2, { codigoClienteVLT: 1, dni: '1' }), consentText: 'kiosk-2026-11-en' }
      await kiosk.results([shown, card, item(3)])
      await register(bed.port, { codigoClienteVLT: 4, dni: '4', tarjeta: '10000004' })
      const kept = await bed.database.db
        .selectFrom('consents')
        .select(['client_id', 'consent_text'])
        .distinct()
        .orderBy('client_id')
        .orderBy('consent_text')
        .execute()
      expect(kept.map(({ consent_text: text }) => text)).toEqual([
        'kiosk-2026-11-en',
        'kiosk-2026-11-es',
        null,
        null,
      ])
      const exported = await createPrivacy(bed, bed.clock).export(findClientHolding, '1')
      expect((exported['consents'] as { text: unknown }[]).map(({ text }) => text)).toEqual([
        ...Array.from({ length: 3 }, () => 'kiosk-2026-11-es'),
        ...Array.from({ length: 3 }, () => 'kiosk-2026-11-en'),
      ])
      expect((await kiosk.batch([{ ...item(5), consentText: 'two words' }])).status).toBe(422)
    })

    test('that repeats what another kiosk brought is answered the same, and counts for each once', async () => {
      await using bed = await openTestbed({ engine })
      const [first, other] = [await joinedKiosk(bed), await joinedKiosk(bed)]
      const [taken] = await first.results([item(1)])
      const replayed = { ...taken, headers: { 'idempotency-replayed': 'true' } }
      for (const kiosk of [other, first, other, first])
        expect(await kiosk.results([item(1)])).toEqual([replayed])
      expect(await counted(bed, 'cards')).toBe(1)
      const one = { accepted: 1, delivered: 1, highestSequence: 1 }
      for (const kiosk of [first, other]) {
        expect(JSON.parse((await kiosk.report(one)).body)).toEqual({ agrees: true, taken: 1, gaps: [] })
      }
      expect(await cases(bed)).toEqual([])
    })

    test('with the key of another kiosk and a body of its own learns nothing, and changes nothing', async () => {
      await using bed = await openTestbed({ engine })
      const [first, other] = [await joinedKiosk(bed), await joinedKiosk(bed)]
      const [taken] = await first.results([item(1)])
      const [refused] = await other.results([{ ...item(2), idempotencyKey: 'key-1' }])
      expect(refused?.status).toBe(422)
      expect(refused?.body).not.toContain('tarjeta')
      expect(await first.results([item(1)])).toMatchObject([{ status: taken?.status, body: taken?.body }])
      const none = { accepted: 1, dead: 1, highestSequence: 1 }
      expect(JSON.parse((await other.report(none)).body)).toEqual({ agrees: true, taken: 0, gaps: [] })
    })

    test.each([
      ['a machine that left and joined again', (bed: Testbed) => joinedKiosk(bed), undefined],
      ['an outbox that was salvaged', (_bed: Testbed, kiosk: TestKiosk) => Promise.resolve(kiosk), 'epoch-2'],
    ])('from %s counts anew what it delivers, also where an answer was lost', async (_who, next, epoch) => {
      await using bed = await openTestbed({ engine })
      const before = await joinedKiosk(bed)
      await before.results([item(1), item(2)])
      const kiosk = await next(bed, before)
      const again = { epoch: epoch ?? testEpoch, items: [item(2), item(3)] }
      for (let times = 0; times < 2; times++) await kiosk.post(registrationsPath, again)
      const report = { epoch: again.epoch, accepted: 3, delivered: 3, documented: 1, highestSequence: 3 }
      expect(JSON.parse((await kiosk.report(report)).body)).toEqual({ agrees: true, taken: 2, gaps: [] })
      expect(await cases(bed)).toEqual([])
    })

    test('refuses a key with another body, and that item alone', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      await kiosk.results([item(1)])
      const [other, next] = await kiosk.results([{ ...item(2), idempotencyKey: 'key-1' }, item(3)])
      expect([other?.status, next?.status]).toEqual([422, 201])
    })

    test('in which one item breaks us stores the others, and nothing of that one', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      const { db } = bed.database
      if (engine === 'sqlite') {
        await sql`create trigger poison before insert on cards when new.uid = '10000002'
          begin select raise(abort, 'poison'); end`.execute(db)
      } else {
        await sql`create function poison() returns trigger language plpgsql as
          $$ begin if new.uid = '10000002' then raise exception 'poison'; end if; return new; end $$`.execute(
          db,
        )
        await sql`create trigger poison before insert on cards for each row execute function poison()`.execute(
          db,
        )
      }
      const results = await kiosk.results([item(1), item(2), item(3)])
      expect(results.map(({ status }) => status)).toEqual([201, 500, 201])
      const ids = await db
        .selectFrom('clients')
        .select('codigo_cliente_vlt as codigo')
        .orderBy('id')
        .execute()
      expect(ids.map(({ codigo }) => codigo)).toEqual(['1', '3'])
      const keys = await db.selectFrom('idempotency_keys').select('key').orderBy('key').execute()
      expect(keys.map(({ key }) => key)).toEqual(['key-1', 'key-3'])
    })

    test('takes two cards of one client in their order', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      const results = await kiosk.results([item(1), item(2, { codigoClienteVLT: 1, dni: '1' })])
      expect(results.map(({ status }) => status)).toEqual([201, 201])
      const [client] = await bed.database.db.selectFrom('clients').selectAll().execute()
      expect(client?.active_card_uid).toBe('10000002')
    })

    test('tells the kiosk in the audit trail', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      await kiosk.results([item(1), item(2)])
      const events = await bed.database.db.selectFrom('audit_events').selectAll().orderBy('seq').execute()
      expect(events.map(({ action, actor, subject }) => [action, actor, subject])).toEqual([
        ['kiosk-code-made', 'operator', 'kiosk-code 1'],
        ['kiosk-joined', 'kiosk-code 1', 'kiosk 1'],
        ['registrations-taken', 'kiosk 1', 'registrations'],
      ])
      expect(JSON.parse(events[2]?.details ?? '')).toEqual({ count: 2, of: 'client 1, client 2' })
      expect(await verifyTrail(bed.database, bed.vault)).toMatchObject({ holds: true })
    })

    test('of several kiosks at the same time deadlocks with none', async () => {
      await using bed = await openTestbed({ engine })
      const kiosks = [await joinedKiosk(bed), await joinedKiosk(bed), await joinedKiosk(bed)]
      const numbers = Array.from({ length: 40 }, (_, n) => n + 1)
      const answers = await Promise.all(
        kiosks.map((kiosk, place) => {
          const order = place % 2 === 0 ? numbers : numbers.toReversed()
          return kiosk.results(
            order.map((n) => ({ ...item(n), idempotencyKey: `${String(place)}-${String(n)}` })),
          )
        }),
      )
      const statuses = answers.flat().map(({ status }) => status)
      expect(statuses.filter((status) => status === 201)).toHaveLength(40)
      expect(statuses.filter((status) => status === 200)).toHaveLength(80)
    })

    test('is refused without a destination as the documented endpoint refuses', async () => {
      await using bed = await openTestbed({ engine, vltDestination: null })
      const kiosk = await joinedKiosk(bed)
      expect((await kiosk.results([item(1)]))[0]).toMatchObject({ status: 503 })
    })
  })

  describe('the sequence', () => {
    test('only rises, and the very same request may be repeated', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      expect((await kiosk.batch([item(1)], { sequence: 7 })).status).toBe(200)
      const again = await kiosk.batch([item(1)], { sequence: 7 })
      expect(again.status).toBe(200)
      expect(again.body).toContain('idempotency-replayed')
      expect((await kiosk.batch([item(2)], { sequence: 700 })).status).toBe(200)
      expect(await counted(bed, 'cards')).toBe(2)
    })

    test('that another request had shows a copied disk: the kiosk is locked, and staff has a case', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      await kiosk.batch([item(1)], { sequence: 7 })
      expect(told(await kiosk.batch([item(2)], { sequence: 7 }))).toEqual([403, 'kiosk-locked'])
      expect(told(await kiosk.batch([item(3)], { sequence: 8 }))).toEqual([403, 'kiosk-locked'])
      expect(await stateOf(bed)).toBe('locked')
      expect(await cases(bed)).toEqual([
        { kind: 'kiosk-cloned', kiosk: 1, details: { sequence: 7, last: 7 } },
      ])
      expect(await counted(bed, 'cards')).toBe(1)
    })

    test('of the past locks only when its sender is there: a recording of it never does', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      await kiosk.batch([item(1)], { sequence: 7 })
      await kiosk.batch([item(2)], { sequence: 8 })
      // The recorded request, and one that was on its way for long.
      for (const sent of [item(1), item(3)]) {
        const late = await kiosk.batch([sent], { sequence: 7 })
        expect(told(late)).toEqual([409, 'sequence-behind'])
      }
      const { challenge } = JSON.parse((await kiosk.batch([item(3)], { sequence: 6 })).body) as {
        challenge: string
      }
      // A challenge is for the request it was given for.
      expect(told(await kiosk.batch([item(3)], { sequence: 5, challenge }))).toEqual([409, 'sequence-behind'])
      expect(await stateOf(bed)).toBe('active')
      expect(told(await kiosk.batch([item(3)], { sequence: 6, challenge }))).toEqual([403, 'kiosk-locked'])
      expect(await stateOf(bed)).toBe('locked')
      expect(await counted(bed, 'cards')).toBe(2)
    })
  })

  describe('a report', () => {
    const agreed = { accepted: 2, delivered: 2, highestSequence: 2 }

    test('that adds up opens no case', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      await kiosk.results([item(1), item(2)])
      for (const report of [
        agreed,
        // Answers that were lost: we have it, the kiosk does not know yet.
        { ...agreed, accepted: 3, delivered: 1, pending: 2, highestSequence: 3 },
        {
          ...agreed,
          accepted: 9,
          delivered: 5,
          dead: 1,
          discarded: 1,
          pending: 2,
          documented: 3,
          highestSequence: 9,
        },
      ]) {
        const { status, body } = await kiosk.report(report)
        expect([status, JSON.parse(body)]).toEqual([200, { agrees: true, taken: 2, gaps: [] }])
      }
      expect(await cases(bed)).toEqual([])
    })

    test.each([
      ['sum', { ...agreed, accepted: 3 }],
      ['server-lacks', { ...agreed, accepted: 3, delivered: 3, highestSequence: 3 }],
      ['kiosk-lacks', { ...agreed, accepted: 1, delivered: 1, highestSequence: 2 }],
    ])('with the gap %s opens a case, once while it stands still', async (gap, report) => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      await kiosk.results([item(1), item(2)])
      expect(JSON.parse((await kiosk.report(report)).body)).toEqual({ agrees: false, taken: 2, gaps: [gap] })
      await kiosk.report(report)
      const found = await cases(bed)
      expect(found).toHaveLength(1)
      expect(found[0]).toMatchObject({ kind: 'kiosk-gap', kiosk: 1, details: { gaps: [gap], taken: 2 } })
      await createCaseDesk(bed, bed.clock).close(1)
      await kiosk.report(report)
      expect(await cases(bed)).toHaveLength(1)
    })

    test.each([
      ['went-back', { ...agreed, accepted: 1, delivered: 1, highestSequence: 1, documented: 1, pending: 0 }],
      ['chain', { ...agreed, chainHead: 'ff' }],
    ])('that differs from the one before (%s) opens a case', async (gap, report) => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      await kiosk.results([item(1), item(2)])
      await kiosk.report({ ...agreed, chainHead: '00' })
      const { gaps } = JSON.parse((await kiosk.report(report)).body) as { gaps: string[] }
      expect(gaps).toContain(gap)
      expect(await cases(bed)).toHaveLength(1)
    })

    test('of a server that was set back to an old backup shows what it lost', async () => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      await kiosk.results([item(1), item(2)])
      await kiosk.report(agreed)
      await bed.database.db.updateTable('kiosk_epochs').set({ taken: 1 }).execute()
      expect(JSON.parse((await kiosk.report(agreed)).body)).toMatchObject({ gaps: ['server-lacks'] })
      expect(await cases(bed)).toHaveLength(1)
    })
  })

  test('a key is replaced by one that proves itself, and the old one is nobody’s', async () => {
    await using bed = await openTestbed({ engine })
    const kiosk = await joinedKiosk(bed)
    const next = newKey()
    expect(told(await kiosk.rotate(next, { newKey: newKey() }))).toEqual([401, 'signature-invalid'])
    expect((await kiosk.rotate(next)).status).toBe(200)
    expect(told(await kiosk.batch([item(1)]))).toEqual([401, 'key-unknown'])
    kiosk.key = next
    expect((await kiosk.batch([item(1)])).status).toBe(200)
    const other = await joinedKiosk(bed)
    expect(told(await other.rotate(next))).toEqual([422, 'invalid'])
  })

  test('a revoked kiosk is refused from its next request on, by every instance', async () => {
    await using bed = await openTestbed({ engine })
    const kiosk = await joinedKiosk(bed)
    await kiosk.results([item(1)])
    expect(await createKioskDesk(bed, bed.clock).revoke(1)).toBe(true)
    expect(await createKioskDesk(bed, bed.clock).revoke(1)).toBe(false)
    expect(told(await kiosk.batch([item(2)]))).toEqual([403, 'kiosk-revoked'])
    await expect(createKioskDesk(bed, bed.clock).activate(1)).rejects.toMatchObject({
      code: 'kiosk-out-of-service',
    })
    await expect(createKioskDesk(bed, bed.clock).revoke(2)).rejects.toMatchObject({ code: 'kiosk-unknown' })
  })

  test('a kiosk has a limit of its own, whatever its neighbours at the same address do', async () => {
    await using bed = await openTestbed({ engine, vltRateLimit: 1, flags: { kioskRateLimit: 2 } })
    const [one, other] = [await joinedKiosk(bed), await joinedKiosk(bed)]
    await register(bed.port)
    await register(bed.port)
    expect((await one.batch([item(1)])).status).toBe(200)
    expect((await one.batch([item(2)])).headers['x-ratelimit-remaining']).toBe('0')
    const { status, headers } = await one.batch([item(3)])
    expect([status, headers['retry-after']]).toEqual([429, '60'])
    expect((await other.batch([item(4)])).status).toBe(200)
  })
})

test('backlogs share what a second may bring; one registration alone always passes', async () => {
  await using bed = await openTestbed({ flags: { kioskDrainLimit: 2 } })
  const [one, other] = [await joinedKiosk(bed), await joinedKiosk(bed)]
  const batch = [item(1), item(2)]
  expect((await one.batch(batch)).status).toBe(200)
  // Half a second is waited here.
  expect((await other.batch([item(4), item(5)])).status).toBe(200)
  // Those who are sent away are told to come one after the other.
  for (const seconds of ['3', '4']) {
    const { status, headers } = await one.batch(batch)
    expect([status, headers['retry-after']]).toEqual([429, seconds])
  }
  expect((await one.batch([item(7)])).status).toBe(200)
  bed.clock.advance(1_500)
  expect((await other.batch(batch)).status).toBe(200)
})

test('what is no request is refused in the words of /v1/kiosk', async () => {
  await using bed = await openTestbed()
  const kiosk = await joinedKiosk(bed)
  const many = Array.from({ length: 201 }, (_, n) => item(n + 1))
  for (const body of [
    '',
    '{',
    '[]',
    '{"epoch":"e","items":[]}',
    JSON.stringify({ epoch: 'e', items: many }),
  ]) {
    expect(told(await kiosk.post(registrationsPath, body)), body.slice(0, 40)).toEqual([422, 'invalid'])
  }
  const large = await kiosk.post(registrationsPath, `"${'x'.repeat(maxBatchBytes)}"`)
  expect([large.status, large.body]).toEqual([413, '{"message":"The request body is too large."}'])
  for (const path of [joinPath, registrationsPath, reportPath, keyPath]) {
    const got = await send(bed.port, { method: 'GET', path })
    expect([got.status, got.headers.allow]).toEqual([405, 'POST'])
    expect((await send(bed.port, { method: 'OPTIONS', path })).status).toBe(200)
  }
  expect((await send(bed.port, { path: '/v1/kiosk/other' })).status).toBe(404)
})

test('strangers are counted, and have nothing of theirs read', async () => {
  await using bed = await openTestbed()
  const stranger = new TestKiosk(bed.port)
  const statuses: number[] = []
  for (let n = 0; n < 61; n += 1) statuses.push((await stranger.batch([item(1)])).status)
  expect([...new Set(statuses.slice(0, 60))]).toEqual([401])
  expect(statuses[60]).toBe(429)
  await bed.audit.flush()
  const [event] = await bed.database.db.selectFrom('audit_events').selectAll().execute()
  expect(event).toMatchObject({ action: 'kiosk-refused', actor: 'anonymous', subject: 'kiosk unknown' })
})
