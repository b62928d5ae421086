import type { FastifyInstance } from 'fastify'
import { isWithin } from '../client-address.ts'
import { type Answer, sendAnswer } from '../plugins/answer.ts'
import type { Metrics } from './metrics.ts'

export const refusal: Answer = {
  status: 403,
  body: { message: 'Metrics are not answered to this address: see vlt-server serve --metrics-from.' },
}

/** Counts every answer. */
export function measureRequests(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    metrics.countAnswer({
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
    })
  })
}

/** GET /metrics, for peers in the address ranges of `from`. */
export function metricsRoute(
  app: FastifyInstance,
  { metrics, from }: { metrics: Metrics; from: readonly string[] },
): void {
  app.get('/metrics', async ({ socket, headers }, reply) => {
    // A proxy on this machine is a peer on this machine, whoever stands behind it.
    const proxied = headers['x-forwarded-for'] !== undefined || headers['forwarded'] !== undefined
    if (proxied || !isWithin(socket.remoteAddress ?? '', from)) return sendAnswer(reply, refusal)
    const { contentType, text } = await metrics.read()
    return reply.header('content-type', contentType).send(text)
  })
}
