import type { FastifyInstance } from 'fastify'
import type { Log } from '../../shared/log.ts'

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** One line per answer. The route's pattern, never the address: nothing a client sent is written down but its id. */
export function logRequests(app: FastifyInstance, log: Log): void {
  app.addHook('onResponse', async (request, reply) => {
    log.info(
      {
        requestId: request.id,
        ...clientRequestId(request.headers['x-request-id']),
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime * 10) / 10,
      },
      'request',
    )
  })
}

/** What a client calls the request helps to find it, but only a UUID surely says nothing else. */
function clientRequestId(header: string | string[] | undefined): { clientRequestId?: string } {
  return typeof header === 'string' && uuid.test(header) ? { clientRequestId: header } : {}
}
