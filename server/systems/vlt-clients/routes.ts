import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Idempotency, readKey } from '../../idempotency/idempotency.ts'
import { sendAnswer } from '../../plugins/answer.ts'
import { jsonObject } from '../../plugins/request-body.ts'
import { answerFaults, answerOnce, type SystemDialect } from '../../plugins/system.ts'
import { type HitStore, limitRate } from '../../rate-limit/limit-rate.ts'
import {
  keyInProgress,
  keyOfOtherBody,
  serverError,
  tooLarge,
  tooManyAttempts,
  unavailable,
  unmatched,
} from './dialect.ts'
import { complain, readRegistration, type Registering, scope } from './registration.ts'

export interface VltClients extends Registering {
  /** Registrations per minute and client address. */
  ratePerMinute: number
  hits: HitStore
  idempotency: Idempotency
}

/** The paths this system answers for, in its dialect. */
export const vltClientsDialect: SystemDialect = {
  prefix: scope,
  unmatched,
  // A request that the framework cannot read counts as empty input.
  unreadable: (request) => complain({}, readKey(request.headers['idempotency-key'])),
  tooLarge,
  tooManyAttempts,
  unavailable,
  serverError: () => serverError,
  keyInProgress,
  keyOfOtherBody,
}

/** POST /api/clientes/register, on an app that has the system's prefix. */
export function vltClients(app: FastifyInstance, system: VltClients): void {
  answerFaults(app, vltClientsDialect, system.log)
  app.post('/register', {
    onRequest: limitRate({
      name: 'vlt-clients',
      max: system.ratePerMinute,
      windowMs: 60_000,
      store: system.hits,
      clock: system.clock,
      refusal: tooManyAttempts,
    }),
    handler: (request, reply) => answerRegistration(request, reply, system),
  })
}

async function answerRegistration(
  request: FastifyRequest,
  reply: FastifyReply,
  system: VltClients,
): Promise<FastifyReply> {
  const read = readRegistration(jsonObject(request), readKey(request.headers['idempotency-key']), system)
  if ('refused' in read) return sendAnswer(reply, read.refused)
  const { idempotency } = system
  return answerOnce(request, reply, { dialect: vltClientsDialect, idempotency, scope }, read.work)
}
