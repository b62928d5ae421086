import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../shared/clock.ts'
import { authenticationPath, authenticationRequest } from '../../shared/contracts/cards.ts'
import type { Log } from '../../shared/log.ts'
import type { ClientSecrets } from '../client-secrets/client-secrets.ts'
import type { Core } from '../core.ts'
import { sendAnswer } from '../plugins/answer.ts'
import { jsonObject } from '../plugins/request-body.ts'
import { answerFaults } from '../plugins/system.ts'
import { type HitStore, limitRate } from '../rate-limit/limit-rate.ts'
import { authenticationAnswer, cardsDialect, invalid, noObject, unauthorized } from './dialect.ts'
import { authenticate } from './service.ts'

export interface Cards {
  core: Pick<Core, 'database' | 'vault' | 'audit'>
  secrets: ClientSecrets
  /** Requests per minute and client address without a valid secret; with one, ten times as many per secret. */
  ratePerMinute: number
  hits: HitStore
  clock: Clock
  log: Log
}

// The readers of a whole lobby share a secret, and commonly an address as well.
const allowanceOfSecrets = 10

/** POST /v1/cards/authenticate, on an app that has the prefix of the dialect. A read: it takes no Idempotency-Key. */
export function cards(app: FastifyInstance, system: Cards): void {
  answerFaults(app, cardsDialect, system.log)
  app.post(authenticationPath.slice(cardsDialect.prefix.length), {
    // Before the body is read: strangers have nothing parsed.
    onRequest: admit(system),
    handler: (request, reply) => answerAuthentication(request, reply, system),
  })
}

function admit({ core, secrets, ratePerMinute, hits: store, clock }: Cards) {
  const limit = { windowMs: 60_000, store, clock, refusal: cardsDialect.tooManyAttempts }
  const limitStrangers = limitRate({ ...limit, name: 'cards-refused', max: ratePerMinute })
  const bySecret = { ...limit, name: 'cards', max: ratePerMinute * allowanceOfSecrets }

  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const checked = await secrets.check(String(request.headers['x-client-secret'] ?? ''))
    if (checked.state === 'valid') return limitRate(bySecret, () => String(checked.id))(request, reply)
    const subject =
      checked.state === 'revoked' ? `client-secret ${String(checked.id)}` : 'client-secret unknown'
    core.audit.tally({ action: 'client-secret-refused', actor: 'anonymous', subject })
    await limitStrangers(request, reply)
    return reply.sent ? reply : sendAnswer(reply, unauthorized)
  }
}

async function answerAuthentication(
  request: FastifyRequest,
  reply: FastifyReply,
  { core: { database, vault } }: Cards,
): Promise<FastifyReply> {
  const body = jsonObject(request)
  if (body === undefined) return sendAnswer(reply, invalid(noObject))
  const { data, error } = authenticationRequest.safeParse(body)
  if (data === undefined) return sendAnswer(reply, invalid(error.issues[0]?.message ?? ''))
  const { uid, asSent } = data.cardIdentifier
  const found = await database.query((db) => authenticate(db, vault, uid))
  return sendAnswer(reply, authenticationAnswer(found, asSent))
}
