/** Who may talk to the page's port. Every web page on this machine can reach it, so nothing is taken on trust. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../shared/clock.ts'
import type { PageFailure } from './protocol.ts'

/** Only our own files, no inline script or style, in nobody's frame. */
const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  'cache-control': 'no-store',
}

/** Requests at once, and per second: a page loads with a handful and then says one every few seconds. */
const burst = 60
const perSecond = 20

export const cookieName = 'vlt-page'

export function pageCookie(secret: string): string {
  return createHmac('sha256', secret).update(cookieName).digest('base64url')
}

/** What a cookie header holds under a name. */
export function cookieOf(request: FastifyRequest, name: string): string | undefined {
  const parts = (request.headers.cookie ?? '').split(/;\s*/)
  return parts.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1)
}

export function isSame(given: string | undefined, expected: string): boolean {
  const [one, other] = [Buffer.from(given ?? ''), Buffer.from(expected)]
  return one.length === other.length && timingSafeEqual(one, other)
}

export const refuse = (reply: FastifyReply, status: number, failure: PageFailure): FastifyReply =>
  reply.code(status).send(failure)

/**
 * Lets a request pass that is for us by name (DNS rebinding changes the name), comes from our own page (a foreign one
 * cannot forge Origin and Sec-Fetch-Site) and, beyond the page's files, holds the page's secret. No CORS header is
 * ever sent.
 *
 * @param isFile what is served to a browser before it holds the secret
 */
export function guard(
  app: FastifyInstance,
  clock: Clock,
  secret: string,
  isFile: (path: string) => boolean,
): void {
  const expected = pageCookie(secret)
  const bucket = tokenBucket(clock)

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers)
    if (!isOwn(request)) return refuse(reply, 403, { code: 'forbidden' })
    if (!bucket()) return refuse(reply.header('retry-after', '1'), 429, { code: 'too-many' })
    const [path = ''] = request.url.split('?')
    if (!isFile(path) && !isSame(cookieOf(request, cookieName), expected))
      return refuse(reply, 401, { code: 'unauthorised' })
    return undefined
  })
}

function isOwn({ method, headers: sent, socket, url }: FastifyRequest): boolean {
  const port = String(socket.localPort)
  const { host, origin, upgrade } = sent
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`) return false
  if (upgrade !== undefined) return false
  if (origin !== undefined && origin !== `http://${host}`) return false
  const site = sent['sec-fetch-site']
  if (method === 'GET')
    // The session of the kiosk arrives from a file of its own; it holds the secret, and is sent on at once.
    return site === undefined || site === 'same-origin' || site === 'none' || url.startsWith('/enter?')
  return origin !== undefined && site === 'same-origin'
}

function tokenBucket(clock: Clock): () => boolean {
  let tokens = burst
  let atMs = clock.monoMs()
  return () => {
    const now = clock.monoMs()
    tokens = Math.min(burst, tokens + ((now - atMs) / 1_000) * perSecond)
    atMs = now
    if (tokens < 1) return false
    tokens -= 1
    return true
  }
}
