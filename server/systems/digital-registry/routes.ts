import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../../shared/clock.ts'
import { complaintOf, registrationRequest } from '../../../shared/contracts/digital-registry.ts'
import type { Log } from '../../../shared/log.ts'
import type { Core } from '../../core.ts'
import { type Idempotency, readKey } from '../../idempotency/idempotency.ts'
import { sendAnswer } from '../../plugins/answer.ts'
import { requireHttps } from '../../plugins/https.ts'
import { jsonObject } from '../../plugins/request-body.ts'
import { answerFaults, answerOnce, type SystemDialect } from '../../plugins/system.ts'
import { clientOf, type HitStore, limitRate } from '../../rate-limit/limit-rate.ts'
import {
  insecure,
  keyInProgress,
  keyOfOtherBody,
  malformedKey,
  problem,
  refused,
  registered,
  serverError,
  tooLarge,
  tooManyRequests,
  unavailable,
  unmatched,
  wrongDocumentType,
  wrongFormat,
} from './dialect.ts'
import { createLogin, type Login } from './login/login.ts'
import { register } from './service.ts'

export interface DigitalRegistry {
  core: Pick<Core, 'database' | 'vault' | 'passwords' | 'audit'>
  /** Start of the address that people get, without a slash at its end; known once the server listens. */
  publicUrl: () => string
  /** Whether clients on this machine may come by plain HTTP. */
  insecureLoopback: boolean
  /** Requests per minute and client address, of the API and of the page each. */
  ratePerMinute: number
  /** Draws a Codigo. */
  createCode: () => string
  hits: HitStore
  idempotency: Idempotency
  clock: Clock
  log: Log
}

/** The paths this system answers for, in its dialect. */
export const digitalRegistryDialect: SystemDialect = {
  prefix: '/api/digital',
  unmatched,
  unreadable: () => wrongFormat,
  tooLarge,
  tooManyAttempts: tooManyRequests,
  unavailable,
  serverError,
  keyInProgress,
  keyOfOtherBody,
}

/** POST /api/digital/crear/registro.php, on an app that has the system's prefix. */
export function digitalRegistry(app: FastifyInstance, system: DigitalRegistry): void {
  answerFaults(app, digitalRegistryDialect, system.log)
  const login = createLogin(system.core, system.clock)
  app.post('/crear/registro.php', {
    onRequest: [
      requireHttps({ insecureLoopback: system.insecureLoopback, refusal: insecure }),
      limitRate({
        name: 'digital-registry',
        max: system.ratePerMinute,
        windowMs: 60_000,
        store: system.hits,
        clock: system.clock,
        refusal: tooManyRequests,
      }),
    ],
    handler: (request, reply) => answerRegistration(request, reply, system, login),
  })
}

/** Nothing of catalogue or account is told before the credentials have been checked. */
async function answerRegistration(
  request: FastifyRequest,
  reply: FastifyReply,
  system: DigitalRegistry,
  login: Login,
): Promise<FastifyReply> {
  const input = jsonObject(request)
  if (input === undefined) return sendAnswer(reply, wrongFormat)
  const parsed = registrationRequest.safeParse(input)
  if (!parsed.success) return sendAnswer(reply, problem(400, complaintOf(parsed.error)))
  if (readKey(request.headers['idempotency-key']) === 'malformed') return sendAnswer(reply, malformedKey)

  const { Username: username, Password: password, TipoDni, Dni, Nombres } = parsed.data
  const outcome = await login({ username, password, network: clientOf(request) })
  if (outcome.kind !== 'accepted') return sendAnswer(reply, refused(outcome))
  if (TipoDni === undefined) return sendAnswer(reply, wrongDocumentType)

  const { core, createCode, idempotency, publicUrl, clock } = system
  const { userId } = outcome
  // Keys of different users are different keys.
  const scope = `${digitalRegistryDialect.prefix} ${String(userId)}`
  return answerOnce(request, reply, { dialect: digitalRegistryDialect, idempotency, scope }, async (tx) => {
    const at = clock.now()
    const person = { TipoDni, Dni, Nombres }
    const { code, subject } = await register(tx, { ...core, createCode }, person, userId, at)
    return { ...registered(code, `${publicUrl()}/digital/index.php?cod=${code}`, at), subject }
  })
}
