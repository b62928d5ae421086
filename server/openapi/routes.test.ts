import { expect, test } from 'vitest'
import { openTestbed, send } from '../testbed.testing.ts'
import { openApiDocument } from './document.ts'

const asked = { method: 'GET', path: '/openapi.json' }

test('the document is served, and told to be asked for again', async () => {
  await using bed = await openTestbed({ flags: { publicUrl: 'https://lobby.example/' } })
  const { status, headers, body } = await send(bed.port, { ...asked, headers: {} })
  expect([status, headers['content-type'], headers['cache-control']]).toEqual([
    200,
    'application/json',
    'no-cache',
  ])
  expect(body).toBe(JSON.stringify(openApiDocument('https://lobby.example')))
})

test('a copy that is still the newest is not sent again', async () => {
  await using bed = await openTestbed()
  const etag = String((await send(bed.port, { ...asked, headers: {} })).headers.etag)
  for (const known of [etag, `W/${etag}`, `"old", ${etag}`, '*']) {
    const { status, headers, body } = await send(bed.port, { ...asked, headers: { 'if-none-match': known } })
    expect([status, headers.etag, body], known).toEqual([304, etag, ''])
  }
  expect((await send(bed.port, { ...asked, headers: { 'if-none-match': '"old"' } })).status).toBe(200)
})
