import { METHODS } from 'node:http'
import { describe, expect, test } from 'vitest'
import { exampleBody, openTestbed, send, sendBytes } from '../testbed.testing.ts'

const closing =
  'HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n'

function answer(status: string, message: string): string {
  const body = JSON.stringify({ message })
  return closing.replace('{status}', status).replace('{length}', String(body.length)) + body
}

describe('bytes that are no request', () => {
  test.for<[string, string, string]>([
    ['nonsense', 'HELLO\r\n\r\n', answer('400 Bad Request', 'Bad Request')],
    ['an unknown method', 'FOO / HTTP/1.1\r\nHost: x\r\n\r\n', answer('400 Bad Request', 'Bad Request')],
    [
      'a length that is no number',
      'POST /api/clientes/register HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n',
      answer('400 Bad Request', 'Bad Request'),
    ],
    [
      'headers that never end',
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
      answer('431 Request Header Fields Too Large', 'Request Header Fields Too Large'),
    ],
  ])('%s', async ([, bytes, expected]) => {
    await using bed = await openTestbed()
    expect(await sendBytes(bed.port, bytes)).toBe(expected)
  })

  test('a body that breaks its own encoding gets no framework text', async () => {
    await using bed = await openTestbed()
    const received = await sendBytes(
      bed.port,
      'POST /api/clientes/register HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n',
    )
    expect(received).toBe(answer('400 Bad Request', 'Bad Request'))
  })
})

describe('requests that the framework would answer itself', () => {
  test.for(METHODS.filter((method) => !['POST', 'CONNECT', 'HEAD', 'OPTIONS'].includes(method)))(
    '%s is refused in the dialect',
    async (method) => {
      await using bed = await openTestbed()
      const { status, headers, body } = await send(bed.port, { method, headers: {} })
      expect([status, headers['allow'], headers['content-type']]).toEqual([405, 'POST', 'application/json'])
      expect(JSON.parse(body)).toEqual({
        message: `The ${method} method is not supported for route api/clientes/register. Supported methods: POST.`,
      })
    },
  )

  test('an unknown expectation is ignored', async () => {
    await using bed = await openTestbed()
    const { status } = await send(bed.port, {
      headers: { 'content-type': 'application/json', expect: 'the-unexpected' },
      body: '{}',
    })
    expect(status).toBe(422)
  })

  test('a connection survives a refusal and goes on', async () => {
    await using bed = await openTestbed()
    const body = JSON.stringify(exampleBody())
    const request = (type: string) =>
      `POST /api/clientes/register HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${String(body.length)}\r\n`
    const received = await sendBytes(
      bed.port,
      `${request('///')}\r\n${body}${request('application/json')}Connection: close\r\n\r\n${body}`,
    )
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 422', 'HTTP/1.1 201'])
  })

  test.for([
    '/%',
    '/%E0%A4%A',
    '/api/%zz',
    `/${'a'.repeat(5_000)}`,
    '//',
    '//api/clientes/register',
    '/api/clientes/register//',
    '/health',
    '/health/xyz',
    '/api',
  ])('%s is no route', async (path) => {
    await using bed = await openTestbed()
    const { status, headers, body } = await send(bed.port, { method: 'GET', path })
    expect([status, headers['content-type']]).toEqual([404, 'application/json'])
    expect(Object.keys(JSON.parse(body) as object)).toEqual(['message'])
  })

  test.for(['/nowhere', '/health/live'])('a POST to %s with a body of any size or type', async (path) => {
    await using bed = await openTestbed()
    const { status, body } = await send(bed.port, {
      path,
      headers: { 'content-type': '///' },
      body: 'x'.repeat(100_000),
    })
    expect(status).toBe(404)
    expect(Object.keys(JSON.parse(body) as object)).toEqual(['message'])
  })
})
