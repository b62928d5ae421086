import { describe, expect, test } from 'vitest'
import { joinPath } from '../shared/contracts/kiosk-sync.ts'
import { createCanaries } from './canaries.testing.ts'
import { type DescribedOperation, operations, requestFields } from './openapi/document.testing.ts'
import { engines, send, type Received, type Sent } from './testbed.testing.ts'
import { json, spoilt, tellEverything } from './told.testing.ts'
import { breakDatabase, stored, watch } from './watched-server.testing.ts'

/** The documented 404 names the address that was asked for, to whoever asked for it. */
function withoutAddress({ status, body }: Received): string {
  return status === 404 ? body.replace(/"The route .* could not be found\."/, '""') : body
}

const writes = operations.filter(({ method }) => method === 'POST')

/** The fields of a request in which a person can be told of. */
function textFields(operation: DescribedOperation): string[] {
  const { properties } = requestFields(operation)
  return Object.keys(properties).filter((field) => [properties[field]?.type].flat().includes('string'))
}

describe.each(engines)('a talkative server on %s', (engine) => {
  test(
    'keeps what people tell it out of logs, figures, complaints and the database',
    { timeout: 240_000 },
    async () => {
      await using watched = await watch(engine)
      const { server, port, canaries } = watched
      const told = await tellEverything(watched)

      expect(told.map(({ path }) => path).sort()).toEqual(writes.map(({ path }) => path).sort())
      for (const { path, operation } of writes) {
        const body = told.find((request) => request.path === path)?.body ?? {}
        expect(Object.keys(body), path).toEqual(expect.arrayContaining(textFields(operation)))
      }

      const complaints: string[] = []
      const send4xx = async (sent: Sent): Promise<void> => {
        const received = await send(port, sent)
        if (received.status < 400) return
        const sung = canaries.sungIn(JSON.stringify(received.headers) + withoutAddress(received))
        if (sung.length > 0)
          complaints.push(`${sent.path ?? ''} ${String(received.status)}: ${sung.join(', ')}`)
      }
      let count = 0
      for (const request of told) {
        for (const sent of spoilt(request, canaries)) {
          await send4xx(sent)
          count += 1
        }
      }
      const bird = canaries.text('on other ways')
      for (const path of [
        '/digital/index.php?cod=',
        `/digital/index.php?cod=${bird}&cod=`,
        '/digital/index.php?',
      ]) {
        await send4xx({ method: 'GET', path: `${path}${bird}`, headers: { cookie: `prueba=${bird}` } })
        const form = new URLSearchParams({ paso: 'documento', documento: bird, prueba: bird }).toString()
        await send4xx({ path: `${path}${bird}`, body: form })
        await send4xx({ path, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form })
      }
      await send4xx({ method: 'GET', path: `/v1/me?${bird}`, headers: { authorization: `Bearer ${bird}` } })
      await send4xx({ method: 'GET', path: '/metrics', headers: { 'x-forwarded-for': bird } })
      expect(count).toBeGreaterThan(400)
      expect(complaints).toEqual([])

      const bytes = await stored(watched)
      expect(canaries.sungIn(bytes, ({ name }) => name === 'tarjeta')).toEqual(['tarjeta'])
      expect(canaries.sungIn(bytes, ({ storedInClear }) => !storedInClear)).toEqual([])

      const broken = await breakDatabase(watched)
      for (const { path, headers, body } of told) {
        const received = await send(port, {
          path,
          headers: { ...json, ...headers },
          body: JSON.stringify(body),
        })
        // The tries of a join code are counted before the database is asked, and used up by now.
        if (path === joinPath) expect(received.status).toBe(429)
        else expect(received.status, path).toBeGreaterThanOrEqual(500)
        expect(canaries.sungIn(received.body)).toEqual([])
      }
      const metrics = await send(port, { method: 'GET', path: '/metrics', headers: {} })
      expect(metrics.status).toBe(200)
      expect(canaries.sungIn(metrics.body)).toEqual([])

      await broken[Symbol.asyncDispose]()
      server.process.kill('SIGTERM')
      expect(await server.ended).toBe(0)
      const lines = server.stderr().trim().split('\n')
      expect(lines.filter((line) => line.includes('"msg":"request"')).length).toBeGreaterThan(400)
      expect(lines.filter((line) => line.includes('"incident":')).length).toBeGreaterThanOrEqual(
        told.length - 1,
      )
      expect([...lines, server.stdout()].filter((line) => canaries.sungIn(line).length > 0)).toEqual([])
    },
  )
})

test('a canary is heard in whatever form it is written', () => {
  const canaries = createCanaries()
  const name = canaries.text('name')
  const bytes = Buffer.from(name)
  for (const form of [
    name.toUpperCase(),
    bytes.toString('hex'),
    `[${[...bytes].join(',')}]`,
    Buffer.from(`{"nombre":"${name}"}`).toString('base64'),
    Buffer.from(`x{"nombre":"${name}","y":1}`).toString('base64url'),
    Buffer.from(`xx{"nombre":"${name}","y":1}`).toString('base64url'),
  ]) {
    expect(canaries.sungIn(`before ${form} after`), form).toEqual(['name'])
  }
  expect(canaries.sungIn('before after')).toEqual([])
  canaries.plant('code', '123456')
  expect(canaries.sungIn('{"codigo":"123456"}')).toEqual(['code'])
  expect(canaries.sungIn('0d123456-7d8e')).toEqual([])
})
