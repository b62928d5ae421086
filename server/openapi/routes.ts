import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { openApiDocument } from './document.ts'

/** GET /openapi.json */
export function openApiRoute(app: FastifyInstance, publicUrl: string | undefined): void {
  const body = Buffer.from(JSON.stringify(openApiDocument(publicUrl)))
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  app.get('/openapi.json', (request, reply) => {
    reply.headers({ etag, 'cache-control': 'no-cache' })
    const known = request.headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
    if (known?.some((tag) => tag === etag || tag === '*') === true) return reply.code(304).send()
    return reply.header('content-type', 'application/json').send(body)
  })
}
