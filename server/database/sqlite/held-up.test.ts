import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openTestbed, register, send, type Testbed } from '../../testbed.testing.ts'

const card = (n: number) => ({
  codigoClienteVLT: n,
  dni: String(n),
  tarjeta: n.toString(16).padStart(8, '0'),
})

/** Another program that writes, until closed. */
function otherWriter(bed: Testbed): Sqlite.Database {
  const other = new Sqlite(join(bed.folder, 'server.db'))
  other.exec('begin immediate')
  return other
}

const refusal = [503, '5', '{"message":"Service Unavailable"}']

test('a registration waits for another program that writes, and holds up nobody meanwhile', async () => {
  await using bed = await openTestbed()
  const other = otherWriter(bed)
  let answered = false
  const registering = register(bed.port).finally(() => {
    answered = true
  })
  for (let time = 0; time < 20; time += 1) {
    const begun = performance.now()
    expect((await send(bed.port, { method: 'GET', path: '/health/live' })).status).toBe(200)
    expect(performance.now() - begun).toBeLessThan(1_000)
    await delay(50)
  }
  expect(answered).toBe(false)
  other.close()
  expect((await registering).status).toBe(201)
})

test('one that keeps it locked for longer: all who wait are told to come back, nothing is stored', async () => {
  await using bed = await openTestbed()
  const other = otherWriter(bed)
  const begun = performance.now()
  const answers = await Promise.all(Array.from({ length: 150 }, (_, n) => register(bed.port, card(n + 1))))
  expect(performance.now() - begun).toBeLessThan(18_000)
  expect(answers.map(({ status, headers, body }) => [status, headers['retry-after'], body])).toEqual(
    answers.map(() => refusal),
  )
  other.close()
  expect(await bed.database.db.selectFrom('clients').selectAll().execute()).toEqual([])
  expect((await register(bed.port)).status).toBe(201)
})

test('a disk that is full: told to come back, and served once there is room', async () => {
  await using bed = await openTestbed()
  await sql`pragma max_page_count = 1`.execute(bed.database.db)
  let stored = 0
  for (;;) {
    const { status, headers, body } = await register(bed.port, card(stored + 1))
    if (status === 201) stored += 1
    else {
      expect([status, headers['retry-after'], body]).toEqual(refusal)
      break
    }
  }
  expect((await send(bed.port, { method: 'GET', path: '/health/live' })).status).toBe(200)
  expect(await bed.database.db.selectFrom('clients').select('id').execute()).toHaveLength(stored)
  await sql`pragma max_page_count = 1000000`.execute(bed.database.db)
  expect((await register(bed.port, card(stored + 1))).status).toBe(201)
})

test('who would wait behind a thousand others is told to come back at once', async () => {
  await using bed = await openTestbed()
  const { database } = bed
  const held = Promise.withResolvers<undefined>()
  const holding = database.transact(() => held.promise)
  await delay(10)
  const waiting = Array.from({ length: 1_000 }, (_, n) => database.transact(() => Promise.resolve(n)))
  await expect(database.transact(() => Promise.resolve())).rejects.toMatchObject({
    code: 'database-unavailable',
    retry: 'later',
  })
  held.resolve(undefined)
  await holding
  expect(await Promise.all(waiting)).toHaveLength(1_000)
})
