import { randomUUID } from 'node:crypto'
import type { SecureContextOptions } from 'node:tls'
import { fastify, type FastifyInstance } from 'fastify'
import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import { cardsDialect } from './cards/dialect.ts'
import { cards } from './cards/routes.ts'
import { createClientSecrets } from './client-secrets/client-secrets.ts'
import type { Settings } from './config.ts'
import type { Core } from './core.ts'
import { health } from './health.ts'
import type { Idempotency } from './idempotency/idempotency.ts'
import type { Metrics } from './metrics/metrics.ts'
import { measureRequests, metricsRoute } from './metrics/routes.ts'
import { docsRoutes } from './openapi/docs.ts'
import { openApiRoute } from './openapi/routes.ts'
import { kiosksDialect } from './kiosks/dialect.ts'
import { DrainBudget } from './kiosks/drain-budget.ts'
import { kiosks } from './kiosks/routes.ts'
import { listeningUrl } from './listening-url.ts'
import { answerParserError, answerTheRest, answerUnmatched } from './plugins/fallback.ts'
import { insistOnHttps } from './plugins/https.ts'
import { readJsonObject, takeRawBodies } from './plugins/request-body.ts'
import { logRequests } from './plugins/request-log.ts'
import type { HitStore } from './rate-limit/limit-rate.ts'
import { customerAccounts, customerAccountsDialect } from './systems/customer-accounts/routes.ts'
import { createCode } from './systems/digital-registry/code.ts'
import { pageDialect } from './systems/digital-registry/page/dialect.ts'
import { digitalRegistryPage } from './systems/digital-registry/page/routes.ts'
import { digitalRegistry, digitalRegistryDialect } from './systems/digital-registry/routes.ts'
import { meDialect, registrationDialect } from './systems/user-accounts/dialect.ts'
import { userAccounts, userAccountsMe } from './systems/user-accounts/routes.ts'
import { readRegistration } from './systems/vlt-clients/registration.ts'
import { vltClients, vltClientsDialect } from './systems/vlt-clients/routes.ts'

// A kiosk on a poor line gets its few kilobytes through in this time; who takes longer holds a connection for nothing.
const requestTimeoutMs = 30_000
const handshakeTimeoutMs = 10_000

const dialects = [
  cardsDialect,
  kiosksDialect,
  vltClientsDialect,
  customerAccountsDialect,
  registrationDialect,
  meDialect,
  digitalRegistryDialect,
  pageDialect,
]

export interface AppParts {
  settings: Settings
  core: Core
  idempotency: Idempotency
  hits: HitStore
  databaseWorks: () => Promise<boolean>
  metrics: Metrics
  /** Certificate and key; none for plain HTTP. */
  secure?: SecureContextOptions | undefined
  /** Aborted when the program begins to stop. */
  stopping: AbortSignal
  clock: Clock
  log: Log
}

/** The HTTP side of the server: every system under its paths. Listens nowhere yet. */
export function createApp(parts: AppParts): FastifyInstance {
  const { settings, metrics, secure, stopping, clock, log } = parts
  const app: FastifyInstance = fastify({
    ...(secure && { https: { ...secure, handshakeTimeout: handshakeTimeoutMs } }),
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
  measureRequests(app, metrics)
  insistOnHttps(app)
  app.addHook('onSend', async (_request, reply) => {
    if (stopping.aborted) reply.header('connection', 'close')
  })

  const mount = (prefix: string, routes: (scope: FastifyInstance) => void): void => {
    void app.register(
      (scope, _options, done) => {
        routes(scope)
        done()
      },
      { prefix },
    )
  }
  const { core, hits, idempotency } = parts
  const platform = { core, hits, idempotency, ratePerMinute: settings.rateLimit, clock, log }
  const { vltDestination: destination, vltRateLimit, insecureLoopback } = settings
  const registering = { destination, vault: core.vault, clock, log }
  const publicUrl = (): string => settings.publicUrl ?? listeningUrl(app.server)
  const registry = { ...platform, createCode, publicUrl, insecureLoopback }

  mount('/health', (scope) => {
    health(scope, parts)
  })
  mount('', (scope) => {
    metricsRoute(scope, { metrics, from: settings.metricsFrom })
    openApiRoute(scope, settings.publicUrl)
    docsRoutes(scope)
  })
  mount(vltClientsDialect.prefix, (scope) => {
    vltClients(scope, { ...platform, ...registering, ratePerMinute: vltRateLimit })
  })
  mount(customerAccountsDialect.prefix, (scope) => {
    customerAccounts(scope, platform)
  })
  mount(digitalRegistryDialect.prefix, (scope) => {
    digitalRegistry(scope, registry)
  })
  mount(pageDialect.prefix, (scope) => {
    digitalRegistryPage(scope, registry)
  })
  mount(registrationDialect.prefix, (scope) => {
    userAccounts(scope, { ...core, ...platform })
  })
  mount(meDialect.prefix, (scope) => {
    userAccountsMe(scope, { ...core, ...platform })
  })
  mount(cardsDialect.prefix, (scope) => {
    cards(scope, { ...platform, secrets: createClientSecrets(core, clock) })
  })
  mount(kiosksDialect.prefix, (scope) => {
    kiosks(scope, {
      ...platform,
      ratePerMinute: settings.kioskRateLimit,
      budget: new DrainBudget(settings.kioskDrainLimit, clock),
      publicUrl,
      metrics,
      systems: {
        'vlt-clients': ({ idempotencyKey: key, body, consentText }) => {
          const read = readRegistration(readJsonObject(Buffer.from(body)), { key }, registering, consentText)
          return 'refused' in read ? read : { ...read, dialect: vltClientsDialect }
        },
      },
    })
  })
  return app
}
