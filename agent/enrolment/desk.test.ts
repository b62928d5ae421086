import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Identity } from '../../devices/card-frame.ts'
import { ManualClock } from '../../devices/manual-clock.testing.ts'
import type { Feedback, Tap } from '../../devices/reader.ts'
import type { CardUid } from '../../shared/card-uid.ts'
import { systemClock } from '../../shared/clock.ts'
import { createLog } from '../../shared/log.ts'
import { Outbox } from '../outbox/outbox.ts'
import { parseClient, type ClientData } from './client-data.ts'
import { EnrolmentDesk, type DeskNotice } from './desk.ts'
import { Registrar } from './registrar.ts'

let folder: string
let outbox: Outbox
let registrar: Registrar
let notices: DeskNotice['kind'][]
let desk: EnrolmentDesk

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'desk-'))
  outbox = Outbox.open(folder, systemClock)
  registrar = new Registrar(outbox, systemClock)
  notices = []
  desk = new EnrolmentDesk(registrar, systemClock, createLog('test', 'error'), ({ kind }) =>
    notices.push(kind),
  )
})
afterEach(() => {
  desk.cancel()
  outbox[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

function client(codigoClienteVLT: number): ClientData {
  return parseClient(
    JSON.stringify({
      codigoClienteVLT,
      correo: 'a@b.pe',
      enviarWhatsApp: true,
      enviarCorreo: false,
      enviarSms: false,
    }),
  )
}

function tap(uid: string, identity: Identity = 'stable'): Tap {
  return {
    readerId: 'simulated:lobby',
    uid: uid as CardUid,
    identity,
    proof: 'none',
    tappedAt: systemClock.now(),
    tappedAtMonoMs: systemClock.monoMs(),
  }
}

test('a tap goes to the oldest enrolment, and the answer comes with the row on the disk', async () => {
  const first = desk.start(client(1), 10_000)
  const second = desk.start(client(2), 10_000)
  expect(desk.current).toMatchObject({ codigoClienteVLT: 1 })
  desk.accept(tap('A0C2BBCA'))
  desk.accept(tap('B1D3CCDB'))
  const rows = [await first.tapped, await second.tapped]
  expect(outbox.page(0, 1_000).map(({ id }) => ({ id }))).toEqual(
    rows.map((row) => ({ id: 'id' in row ? row.id : '' })),
  )
  expect(
    outbox
      .page(0, 1_000)
      .map(({ body }) => JSON.parse(body) as { codigoClienteVLT: number; tarjeta: string }),
  ).toMatchObject([
    { codigoClienteVLT: 1, tarjeta: 'A0C2BBCA' },
    { codigoClienteVLT: 2, tarjeta: 'B1D3CCDB' },
  ])
  expect(notices).toEqual(['waiting', 'waiting', 'accepted', 'accepted'])
})

test('a second tap of the card just accepted does not become the card of the next client in the queue', async () => {
  desk.start(client(1), 10_000)
  const second = desk.start(client(2), 10_000)
  desk.accept(tap('A0C2BBCA'))
  desk.accept(tap('A0C2BBCA'))
  expect(outbox.page(0, 1_000)).toHaveLength(1)
  expect(desk.current).toMatchObject({ codigoClienteVLT: 2 })
  desk.accept(tap('B1D3CCDB'))
  expect(await second.tapped).toMatchObject({ body: expect.stringContaining('B1D3CCDB') as string })
})

test('the same card may be tapped again for an enrolment that began after it was accepted', async () => {
  desk.start(client(1), 10_000)
  desk.accept(tap('A0C2BBCA'))
  const again = desk.start(client(1), 10_000)
  desk.accept(tap('A0C2BBCA'))
  expect(await again.tapped).toMatchObject({ state: 'pending' })
})

test('a tap that nobody waits for registers nothing', () => {
  desk.accept(tap('A0C2BBCA'))
  expect(outbox.page(0, 1_000)).toEqual([])
  expect(notices).toEqual(['unclaimed'])
})

test('a phone never becomes a card: the enrolment waits on, is told why, and takes the right card', async () => {
  const remarks: string[] = []
  const { tapped } = desk.start(client(1), 10_000, { onRemark: (why) => remarks.push(why) })
  desk.start(client(2), 10_000, { onRemark: () => remarks.push('of another') })
  expect(desk.accept(tap('0824A937', 'random'))).toBe('refused')
  expect(desk.accept(tap('080D3523', 'random'))).toBe('refused')
  expect(outbox.page(0, 1_000)).toEqual([])
  expect(desk.current).toMatchObject({ codigoClienteVLT: 1 })
  expect(remarks).toEqual(['card-random', 'card-random'])
  expect(desk.accept(tap('A0C2BBCA'))).toBe('accepted')
  expect(await tapped).toMatchObject({ body: expect.stringContaining('A0C2BBCA') as string })
  expect(notices).toEqual(['waiting', 'waiting', 'random', 'random', 'accepted'])
})

test('a phone is told to be one where nobody waits, too', () => {
  expect(desk.accept(tap('0824A937', 'random'))).toBe('refused')
  expect(notices).toEqual(['random'])
})

test.each(['truncated', 'ambiguous'] as const)(
  'a card with a number that is %s is taken as it is read',
  (identity) => {
    desk.start(client(1), 10_000)
    expect(desk.accept(tap('006F6C3A', identity))).toBe('accepted')
    expect(outbox.page(0, 1_000)).toMatchObject([{ body: expect.stringContaining('006F6C3A') as string }])
  },
)

test('the reader is told of each tap whether it counts', () => {
  expect(desk.accept(tap('A0C2BBCA'))).toBe('refused')
  desk.start(client(1), 10_000)
  desk.start(client(2), 10_000)
  expect(desk.accept(tap('A0C2BBCA'))).toBe('accepted')
  // The same hand again: its card did count.
  expect(desk.accept(tap('A0C2BBCA'))).toBe('accepted')
  outbox[Symbol.dispose]()
  expect(desk.accept(tap('B1D3CCDB'))).toBe('refused')
  outbox = Outbox.open(folder, systemClock)
})

test('an enrolment without a tap is dropped with a notice, and a later tap does not meet it', async () => {
  const { tapped } = desk.start(client(1), 20)
  expect(await tapped).toMatchObject({ state: 'rejected', error: { code: 'enrolment-timeout' } })
  desk.accept(tap('A0C2BBCA'))
  expect(outbox.page(0, 1_000)).toEqual([])
  expect(notices).toEqual(['waiting', 'expired', 'unclaimed'])
})

test('a cancelled enrolment does not take the next card', async () => {
  const first = desk.start(client(1), 10_000)
  desk.start(client(2), 10_000)
  expect(desk.cancel(first.id)).toBe(1)
  expect(await first.tapped).toMatchObject({ state: 'rejected', error: { code: 'enrolment-cancelled' } })
  desk.accept(tap('A0C2BBCA'))
  expect(
    outbox
      .page(0, 1_000)
      .map(({ body }) => (JSON.parse(body) as { codigoClienteVLT: number }).codigoClienteVLT),
  ).toEqual([2])
})

test('the outcome follows the registration', async () => {
  const { signal } = new AbortController()
  const row = registrar.accept(client(1), 'A0C2BBCA' as CardUid, null)
  expect(await registrar.outcome(row.id, 10, signal)).toMatchObject({
    state: 'saved',
    registrationId: row.id,
    receipt: null,
  })

  const [waiting, alsoWaiting] = [
    registrar.outcome(row.id, 5_000, signal),
    registrar.outcome(row.id, 5_000, signal),
  ]
  const receipt = { id: 11, tarjeta: 'A0C2BBCA', mensaje: 'cliente nuevo', esDuplicado: false }
  outbox.markDelivered(row.id, JSON.stringify(receipt))
  registrar.settled(row.id)
  expect(await waiting).toMatchObject({ state: 'registered', receipt })
  expect(await alsoWaiting).toMatchObject({ state: 'registered' })

  const again = registrar.accept(client(1), 'A0C2BBCA' as CardUid, null)
  outbox.markDelivered(
    again.id,
    JSON.stringify({ ...receipt, mensaje: 'registro duplicado', esDuplicado: true }),
  )
  expect(await registrar.outcome(again.id, 10, signal)).toMatchObject({ state: 'duplicate' })

  const bad = registrar.accept(client(1), 'A0C2BBCA' as CardUid, null)
  outbox.markDead(bad.id, 'rejected-invalid', null)
  expect(await registrar.outcome(bad.id, 10, signal)).toMatchObject({
    state: 'rejected',
    error: { code: 'rejected-invalid' },
  })
})

test('who says that they are still there has the whole time again', async () => {
  const clock = new ManualClock()
  desk = new EnrolmentDesk(registrar, clock, createLog('test', 'error'), ({ kind }) => notices.push(kind))
  const { id, tapped } = desk.start(client(1), 10_000)
  await clock.pass(9_000)
  desk.keep(id)
  await clock.pass(9_000)
  expect(desk.waiting).toBe(1)
  await clock.pass(1_000)
  expect(await tapped).toMatchObject({ state: 'rejected', error: { code: 'enrolment-timeout' } })
  desk.keep(id)
  expect(desk.waiting).toBe(0)
})

describe('at a kiosk, where a card is looked at for a moment before it counts', () => {
  const clock = new ManualClock()
  let shown: Feedback[]
  const show = (what: Feedback): number => shown.push(what)
  beforeEach(() => {
    shown = []
    const log = createLog('test', 'error')
    desk = new EnrolmentDesk(registrar, clock, log, ({ kind }) => notices.push(kind))
  })
  const start = (codigo = 1) => desk.start(client(codigo), 80_000, { settleMs: 150 })
  const cards = (): string[] =>
    outbox.page(0, 10).map(({ body }) => (JSON.parse(body) as { tarjeta: string }).tarjeta)

  test('it says at once that it was seen, and is stored when it stayed alone', async () => {
    const { tapped } = start()
    expect(desk.accept(tap('A0C2BBCA'), show)).toBeUndefined()
    expect([notices, cards(), shown]).toEqual([['waiting', 'reading'], [], []])
    await clock.pass(149)
    expect(cards()).toEqual([])
    await clock.pass(1)
    expect([notices.at(-1), cards(), shown]).toEqual(['accepted', ['A0C2BBCA'], ['accepted']])
    expect(await tapped).toMatchObject({ state: 'pending' })
  })

  test('two cards are none: the person has the whole time again for one', async () => {
    start()
    await clock.pass(70_000)
    desk.accept(tap('A0C2BBCA'), show)
    await clock.pass(100)
    expect(desk.accept(tap('B1D3CCDB'))).toBe('refused')
    await clock.pass(79_000)
    expect([notices, cards(), shown]).toEqual([['waiting', 'reading', 'two-cards'], [], ['refused']])
    desk.accept(tap('B1D3CCDB'), show)
    await clock.pass(150)
    expect([cards(), shown]).toEqual([['B1D3CCDB'], ['refused', 'accepted']])
  })

  test('a reader that sees two at once says so itself', async () => {
    start()
    desk.twoCards('pn532:x')
    desk.accept(tap('A0C2BBCA'), show)
    desk.twoCards('pn532:x')
    await clock.pass(1_000)
    expect([notices, cards()]).toEqual([['waiting', 'two-cards', 'reading', 'two-cards'], []])
  })

  test('the same card from a second reader is no second card', async () => {
    start()
    desk.accept(tap('A0C2BBCA'), show)
    expect(desk.accept(tap('A0C2BBCA'))).toBeUndefined()
    await clock.pass(150)
    expect(cards()).toEqual(['A0C2BBCA'])
  })

  test('a bug in what takes it is refused at the reader, and ends nothing', async () => {
    vi.spyOn(registrar, 'accept').mockImplementationOnce(() => {
      throw new TypeError('bug')
    })
    start()
    desk.accept(tap('A0C2BBCA'), show)
    await clock.pass(150)
    expect([cards(), shown]).toEqual([[], ['refused']])
  })

  test('who cancels while it is looked at has nothing stored', async () => {
    const { id, tapped } = start()
    desk.accept(tap('A0C2BBCA'), show)
    desk.cancel(id)
    await clock.pass(1_000)
    expect([cards(), shown]).toEqual([[], ['refused']])
    expect(await tapped).toMatchObject({ error: { code: 'enrolment-cancelled' } })
  })

  test('a card in the last moment came in time', async () => {
    start()
    await clock.pass(79_900)
    desk.accept(tap('A0C2BBCA'), show)
    await clock.pass(150)
    expect([notices.at(-1), cards()]).toEqual(['accepted', ['A0C2BBCA']])
  })

  test('another card right after is said to be one, and is not the next client’s', async () => {
    start(1)
    desk.start(client(2), 80_000)
    desk.accept(tap('A0C2BBCA'), show)
    await clock.pass(150)
    await clock.pass(1_499)
    expect(desk.accept(tap('B1D3CCDB'))).toBe('refused')
    desk.twoCards('pn532:x')
    expect(notices.slice(-2)).toEqual(['second-card', 'second-card'])
    await clock.pass(1)
    expect(desk.accept(tap('B1D3CCDB'))).toBe('accepted')
    expect(cards()).toEqual(['A0C2BBCA', 'B1D3CCDB'])
  })
})

test('the consent text that the client saw is stored with the registration', () => {
  desk.start(client(1), 10_000, { consentText: 'kiosk-2026-11-es' })
  desk.accept(tap('A0C2BBCA'))
  expect(outbox.page(0, 1)).toMatchObject([{ consentText: 'kiosk-2026-11-es' }])
})
