import type { FastifyReply } from 'fastify'

/** What a dialect decides to send. A string is a body already in JSON (or as `content-type` says), kept byte for byte. */
export interface Answer {
  status: number
  headers?: Record<string, string>
  /** None for an empty answer. */
  body?: unknown
}

/** Sends a dialect's answer with exactly its headers: Fastify would add a charset to JSON it serialises. */
export function sendAnswer(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  reply.code(status).headers(headers ?? {})
  if (body === undefined) return reply.send()
  const json = typeof body === 'string' ? body : JSON.stringify(body)
  // As bytes, because Fastify also adds a charset to JSON given as text.
  return reply.header('content-type', headers?.['content-type'] ?? 'application/json').send(Buffer.from(json))
}
