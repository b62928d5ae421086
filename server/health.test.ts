import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { engines, openTestbed, send, type Testbed } from './testbed.testing.ts'

async function health(bed: Testbed, path: string): Promise<[number, unknown]> {
  const { status, body } = await send(bed.port, { method: 'GET', path: `/health/${path}` })
  return [status, JSON.parse(body)]
}

test('a server with its database is live and ready', async () => {
  await using bed = await openTestbed()
  expect(await health(bed, 'live')).toEqual([200, { status: 'ok' }])
  expect(await health(bed, 'ready')).toEqual([200, { status: 'ready' }])
})

test('a database that takes no writes makes the server unready, not dead', async () => {
  await using bed = await openTestbed()
  expect(await health(bed, 'ready')).toEqual([200, { status: 'ready' }])
  await bed.database.db.schema.alterTable('heartbeat').renameTo('heartbeat_away').execute()
  bed.clock.advance(1_000)
  expect(await health(bed, 'ready')).toEqual([503, { status: 'database-unavailable' }])
  expect(await health(bed, 'live')).toEqual([200, { status: 'ok' }])
  await bed.database.db.schema.alterTable('heartbeat_away').renameTo('heartbeat').execute()
  bed.clock.advance(1_000)
  expect(await health(bed, 'ready')).toEqual([200, { status: 'ready' }])
})

test.each(engines)('however many wait, on %s, is no fault of the database', async (engine) => {
  await using bed = await openTestbed({ engine })
  const held = Promise.withResolvers<undefined>()
  const { database } = bed
  // On PostgreSQL each of ten connections holds a transaction.
  const begun = Array.from({ length: engine === 'sqlite' ? 1 : 10 }, () => {
    const started = Promise.withResolvers<undefined>()
    const work = database.transact(async (tx) => {
      await sql`select 1`.execute(tx)
      started.resolve(undefined)
      if (engine === 'postgres') await held.promise
    })
    return { started: started.promise, work }
  })
  await Promise.all(begun.map(({ started }) => started))
  const waiting = Array.from({ length: 1_000 }, () => database.transact((tx) => sql`select 1`.execute(tx)))
  await expect(database.transact(() => Promise.resolve())).rejects.toMatchObject({
    code: 'database-unavailable',
  })
  expect(await health(bed, 'ready')).toEqual([200, { status: 'ready' }])
  held.resolve(undefined)
  await Promise.all([...begun.map(({ work }) => work), ...waiting])
})

test('the probe is a real write', async () => {
  await using bed = await openTestbed()
  await health(bed, 'ready')
  const [row] = await bed.database.db.selectFrom('heartbeat').selectAll().execute()
  expect(row).toEqual({ id: 1, beat_at: bed.clock.now() })
})

test('asking often does not write often', async () => {
  await using bed = await openTestbed()
  const changes = async () =>
    (await bed.database.db.selectFrom('heartbeat').select('beat_at').execute())[0]?.beat_at
  await health(bed, 'ready')
  const first = await changes()
  bed.clock.advance(999)
  await health(bed, 'ready')
  expect(await changes()).toBe(first)
  bed.clock.advance(1)
  await health(bed, 'ready')
  expect(await changes()).not.toBe(first)
})

test('a stopping server says so, and closes connections as it answers', async () => {
  await using bed = await openTestbed()
  bed.stopping.abort()
  expect(await health(bed, 'ready')).toEqual([503, { status: 'stopping' }])
  const { headers } = await send(bed.port, {
    method: 'GET',
    path: '/health/live',
    headers: { connection: 'keep-alive' },
  })
  expect(headers.connection).toBe('close')
})
