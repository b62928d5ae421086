import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  engines,
  holdWrites,
  openTestbed,
  register,
  type Received,
  type Testbed,
} from '../../testbed.testing.ts'

const count = 64
const numbers = Array.from({ length: count }, (_, place) => place + 1)

/**
 * Requests from as many addresses, so that the documented limit stands as it is. Writing is held up until all of
 * them wait for it: none can slip through before the others have come.
 */
async function all(
  bed: Testbed,
  changes: (n: number) => Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<Received[]> {
  const busy = await holdWrites(bed)
  const answers = numbers.map((n) =>
    register(bed.port, changes(n), { headers, from: `127.0.0.${String(n + 1)}` }),
  )
  await delay(500)
  await busy.release()
  return Promise.all(answers)
}

const card = (n: number): string => n.toString(16).padStart(8, '0')

async function rows(bed: Testbed, table: 'clients' | 'cards' | 'consents'): Promise<number> {
  return (await bed.database.db.selectFrom(table).selectAll().execute()).length
}

function tally(answers: Received[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const { status, body } of answers) {
    const { mensaje } = JSON.parse(body) as { mensaje?: string }
    const name = `${String(status)} ${mensaje ?? body}`
    found[name] = (found[name] ?? 0) + 1
  }
  return found
}

describe.each(engines)('on %s', (engine) => {
  test('64 parallel posts of one card make one client and 63 duplicates', async () => {
    await using bed = await openTestbed({ engine, vltRateLimit: 60 })
    const answers = await all(bed, () => ({}))
    expect(tally(answers)).toEqual({ '201 cliente nuevo': 1, '200 registro duplicado': 63 })
    expect(await Promise.all([rows(bed, 'clients'), rows(bed, 'cards'), rows(bed, 'consents')])).toEqual([
      1, 1, 3,
    ])
  })

  test('64 parallel posts of one codigo with different cards make one client', async () => {
    await using bed = await openTestbed({ engine, vltRateLimit: 60 })
    const answers = await all(bed, (n) => ({ tarjeta: card(n), dni: undefined }))
    expect(tally(answers)).toEqual({
      '201 cliente nuevo': 1,
      '201 tarjeta agregada al cliente existente': 63,
    })
    expect(await Promise.all([rows(bed, 'clients'), rows(bed, 'cards')])).toEqual([1, 64])
  })

  test('64 parallel posts of one document with different codigos and cards make one client', async () => {
    await using bed = await openTestbed({ engine, vltRateLimit: 60 })
    const answers = await all(bed, (n) => ({ tarjeta: card(n), codigoClienteVLT: n }))
    expect(tally(answers)).toEqual({
      '201 cliente nuevo': 1,
      '201 tarjeta agregada al cliente existente': 63,
    })
    expect(await rows(bed, 'clients')).toBe(1)
  })

  test('64 parallel posts with one idempotency key register once and never contradict each other', async () => {
    await using bed = await openTestbed({ engine, vltRateLimit: 60 })
    const answers = await all(bed, () => ({}), { 'idempotency-key': 'one' })
    const replayed = answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true')
    const early = answers.filter(({ headers }) => headers['idempotency-key-state'] === 'in-progress')
    expect(replayed.length + early.length).toBe(63)
    expect(new Set(answers.filter(({ status }) => status === 201).map(({ body }) => body)).size).toBe(1)
    expect(early.every(({ status }) => status === 409)).toBe(true)
    expect(await rows(bed, 'clients')).toBe(1)
  })

  test('64 different registrations at once are all stored under ids of their own', async () => {
    await using bed = await openTestbed({ engine, vltRateLimit: 60 })
    const answers = await all(bed, (n) => ({ tarjeta: card(n), codigoClienteVLT: n, dni: String(n) }))
    expect(new Set(answers.map(({ body }) => (JSON.parse(body) as { id: number }).id)).size).toBe(64)
    expect(await Promise.all([rows(bed, 'clients'), rows(bed, 'consents')])).toEqual([64, 192])
  })
})
