import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fastify, type FastifyInstance } from 'fastify'
import { describe, expect, test } from 'vitest'
import { selfSigned } from '../tls/certificates.testing.ts'
import { insistOnHttps, requireHttps } from './https.ts'

interface Options {
  trustProxy?: string[]
  insecureLoopback?: boolean
  https?: { cert: string; key: string }
}

/** An app with one route that is for HTTPS alone. */
function openApp({ trustProxy, insecureLoopback = false, https }: Options): FastifyInstance {
  const app: FastifyInstance = fastify({ trustProxy: trustProxy ?? false, ...(https && { https }) })
  insistOnHttps(app)
  app.get('/', { onRequest: requireHttps({ insecureLoopback, refusal: { status: 403 } }) }, () => 'in')
  return app
}

const proxy = '10.1.0.7'
const trustProxy = ['10.1.0.0/16', 'fd00::/8']
const says = (proto: string) => ({ 'x-forwarded-proto': proto })

describe('plain HTTP', () => {
  test.for<[string, number, Options, string, Record<string, string>]>([
    ['is refused', 403, {}, '192.0.2.1', {}],
    ['is refused from loopback', 403, {}, '127.0.0.1', {}],
    ['is let through from loopback on request', 200, { insecureLoopback: true }, '127.0.0.1', {}],
    ['is let through from all of loopback', 200, { insecureLoopback: true }, '127.9.9.9', {}],
    ['is let through from IPv6 loopback', 200, { insecureLoopback: true }, '::1', {}],
    [
      'is let through from loopback as IPv6 writes it',
      200,
      { insecureLoopback: true },
      '::ffff:127.0.0.1',
      {},
    ],
    ['is refused from elsewhere all the same', 403, { insecureLoopback: true }, '192.0.2.1', {}],
    ['is refused from elsewhere over IPv6', 403, { insecureLoopback: true }, '2001:db8::1', {}],
    [
      'is refused when loopback is only forwarded',
      403,
      { insecureLoopback: true, trustProxy },
      proxy,
      { 'x-forwarded-for': '127.0.0.1' },
    ],
    ['does not become HTTPS by a header', 403, {}, '192.0.2.1', says('https')],
    [
      'does not become HTTPS by a header from an unlisted peer',
      403,
      { trustProxy },
      '10.2.0.1',
      says('https'),
    ],
    [
      'does not become HTTPS by the address that a peer forwards',
      403,
      { trustProxy },
      '10.2.0.1',
      { ...says('https'), 'x-forwarded-for': proxy },
    ],
    [
      'does not become HTTPS by other headers',
      403,
      { trustProxy },
      proxy,
      {
        forwarded: 'proto=https',
        'x-forwarded-ssl': 'on',
        'front-end-https': 'on',
        'x-forwarded-scheme': 'https',
        'x-forwarded-port': '443',
        'x-url-scheme': 'https',
      },
    ],
    ['of a listed proxy is refused', 403, { trustProxy }, proxy, says('http')],
    ['of a listed proxy that says nothing is refused', 403, { trustProxy }, proxy, {}],
    ['of a listed proxy that says nothing readable is refused', 403, { trustProxy }, proxy, says('https:')],
    ['of a listed proxy that says less than nothing is refused', 403, { trustProxy }, proxy, says('')],
    [
      'of a listed proxy is refused, whatever was said before',
      403,
      { trustProxy },
      proxy,
      says('https, http'),
    ],
    ['of a listed proxy is refused when a list ends open', 403, { trustProxy }, proxy, says('https,')],
  ])('%s', async ([, status, options, remoteAddress, headers]) => {
    await using app = openApp(options)
    const received = await app.inject({ url: '/', remoteAddress, headers })
    expect(received.statusCode).toBe(status)
    expect(received.headers).not.toHaveProperty('strict-transport-security')
    expect(received.headers).not.toHaveProperty('location')
  })
})

describe('HTTPS', () => {
  test.for<[string, string, string]>([
    ['as a listed proxy says', proxy, 'https'],
    ['as a listed proxy says in capitals', proxy, 'HTTPS'],
    ['as a listed proxy says with spaces', proxy, ' https '],
    ['as a listed proxy says over IPv6', 'fd00::7', 'https'],
    ['as a listed proxy says, as IPv6 writes its address', '::ffff:10.1.0.7', 'https'],
    ['as the last proxy says', proxy, 'http, https'],
  ])('%s is let through and insisted on', async ([, remoteAddress, proto]) => {
    await using app = openApp({ trustProxy })
    const { statusCode, headers } = await app.inject({ url: '/', remoteAddress, headers: says(proto) })
    expect([statusCode, headers['strict-transport-security']]).toEqual([200, 'max-age=31536000'])
  })

  test.for<[string, number, Record<string, string>, string[] | undefined]>([
    ['on the server itself is let through', 200, {}, undefined],
    ['is not undone by a header from an unlisted peer', 200, says('http'), ['10.1.0.0/16']],
    [
      'between a listed proxy and the server is not HTTPS for its client',
      403,
      says('http'),
      ['127.0.0.1/32'],
    ],
  ])('%s', async ([, status, headers, proxies]) => {
    const { cert, key } = selfSigned()
    await using app = openApp({ https: { cert, key }, ...(proxies && { trustProxy: proxies }) })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const received = await new Promise<[number | undefined, unknown]>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, headers, rejectUnauthorized: false, agent: false as const }
      httpsRequest(options, (response) => {
        response.resume()
        resolve([response.statusCode, response.headers['strict-transport-security']])
      })
        .on('error', reject)
        .end()
    })
    expect(received).toEqual([status, status === 200 ? 'max-age=31536000' : undefined])
  })
})
