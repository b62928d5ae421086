import type { FastifyInstance } from 'fastify'
import type { Log } from '../../shared/log.ts'

/** One line per answer. The route's pattern, never the address: nothing a client sent is written down. */
export function logRequests(app: FastifyInstance, log: Log): void {
  app.addHook('onResponse', async (request, reply) => {
    log.info(
      {
        requestId: request.id,
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime * 10) / 10,
      },
      'request',
    )
  })
}
