import { randomUUID } from 'node:crypto'
import { fastify, type FastifyInstance } from 'fastify'
import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import type { Settings } from './config.ts'
import type { Core } from './core.ts'
import { health } from './health.ts'
import type { Idempotency } from './idempotency/idempotency.ts'
import { answerParserError, answerTheRest, answerUnmatched } from './plugins/fallback.ts'
import { takeRawBodies } from './plugins/request-body.ts'
import { logRequests } from './plugins/request-log.ts'
import type { HitStore } from './rate-limit/limit-rate.ts'
import { vltClients, vltClientsDialect } from './systems/vlt-clients/routes.ts'

// A kiosk on a poor line gets its few kilobytes through in this time; who takes longer holds a connection for nothing.
const requestTimeoutMs = 30_000

const dialects = [vltClientsDialect]

export interface AppParts {
  settings: Settings
  core: Core
  idempotency: Idempotency
  hits: HitStore
  databaseWorks: () => Promise<boolean>
  /** Aborted when the program begins to stop. */
  stopping: AbortSignal
  clock: Clock
  log: Log
}

/** The HTTP side of the server: every system under its paths. Listens nowhere yet. */
export function createApp(parts: AppParts): FastifyInstance {
  const { settings, stopping, clock, log } = parts
  const app = fastify({
    logger: false,
    genReqId: () => randomUUID(),
    trustProxy: settings.trustedProxy.length > 0 ? settings.trustedProxy : false,
    requestTimeout: requestTimeoutMs,
    // While stopping, requests that still arrive are served: refusing them here would answer in no dialect.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true },
    frameworkErrors: (_error, request, reply) => void answerUnmatched(dialects)(request, reply),
    clientErrorHandler: answerParserError,
  })
  // An unknown expectation may be ignored (RFC 9110, 10.1.1); Node would refuse it in no dialect.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))

  takeRawBodies(app)
  answerTheRest(app, dialects, log)
  logRequests(app, log)
  app.addHook('onSend', async (_request, reply) => {
    if (stopping.aborted) reply.header('connection', 'close')
  })

  void app.register(
    (scope, _options, done) => {
      health(scope, parts)
      done()
    },
    { prefix: '/health' },
  )
  void app.register(
    (scope, _options, done) => {
      const { hits, idempotency, core } = parts
      const { vltDestination: destination, vltRateLimit: ratePerMinute } = settings
      vltClients(scope, { destination, ratePerMinute, hits, idempotency, vault: core.vault, clock, log })
      done()
    },
    { prefix: vltClientsDialect.prefix },
  )
  return app
}
