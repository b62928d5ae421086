import { expect, test } from 'vitest'
import { openTestbed, send, type Testbed } from './testbed.testing.ts'

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
