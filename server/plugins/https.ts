import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isWithin } from '../client-address.ts'
import { type Answer, sendAnswer } from './answer.ts'

const loopback = ['127.0.0.0/8', '::1/128']
const yearSeconds = 365 * 24 * 60 * 60

/**
 * Whether the client came by HTTPS: TLS on this server itself, or a listed proxy that says so. What a proxy says
 * counts from its own hop alone (the last of several values), and wins over the TLS between it and this server.
 */
export function isHttps({ protocol }: FastifyRequest): boolean {
  return protocol.toLowerCase() === 'https'
}

/**
 * An `onRequest` hook that refuses plain HTTP, before anything is counted or read. Never a redirect: it would teach
 * clients to send their secrets in the clear first. `insecureLoopback` lets peers on this machine through, by the
 * address of their connection and never by a forwarded one.
 */
export function requireHttps({ insecureLoopback, refusal }: { insecureLoopback: boolean; refusal: Answer }) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    if (isHttps(request)) return undefined
    if (insecureLoopback && isWithin(request.socket.remoteAddress ?? '', loopback)) return undefined
    return sendAnswer(reply, refusal)
  }
}

/** Whoever came by HTTPS once comes by HTTPS from then on (RFC 6797); over plain HTTP the header would mean nothing. */
export function insistOnHttps(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply) => {
    if (isHttps(request)) reply.header('strict-transport-security', `max-age=${String(yearSeconds)}`)
  })
}
