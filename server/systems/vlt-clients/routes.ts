import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../../shared/clock.ts'
import { maxTextLength, registrationRequest } from '../../../shared/contracts/vlt-clients.ts'
import type { FieldComplaint } from '../../../shared/errors.ts'
import type { Log } from '../../../shared/log.ts'
import { type Idempotency, type Key, readKey } from '../../idempotency/idempotency.ts'
import { type Answer, sendAnswer } from '../../plugins/answer.ts'
import { jsonObject } from '../../plugins/request-body.ts'
import { answerFaults, answerOnce, type SystemDialect } from '../../plugins/system.ts'
import { type HitStore, limitRate } from '../../rate-limit/limit-rate.ts'
import type { Vault } from '../../security/vault.ts'
import {
  invalid,
  keyInProgress,
  keyOfOtherBody,
  malformedKey,
  noDestination,
  outcomeAnswer,
  serverError,
  tooLarge,
  tooManyAttempts,
  unavailable,
  unmatched,
} from './dialect.ts'
import { register } from './service.ts'

export interface VltClients {
  /** Name of the client system that registrations are for; without one they are refused with 503. */
  destination: string | undefined
  /** Registrations per minute and client address. */
  ratePerMinute: number
  hits: HitStore
  idempotency: Idempotency
  vault: Vault
  clock: Clock
  log: Log
}

/** The paths this system answers for, in its dialect. */
export const vltClientsDialect: SystemDialect = {
  prefix: '/api/clientes',
  unmatched,
  // A request that the framework cannot read counts as empty input.
  unreadable: (request) =>
    complain(registrationRequest.safeParse({}), readKey(request.headers['idempotency-key'])),
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
  const input = jsonObject(request) ?? {}
  const parsed = registrationRequest.safeParse(input)
  const key = readKey(request.headers['idempotency-key'])
  if (!parsed.success || key === 'malformed') return sendAnswer(reply, complain(parsed, key))
  if (system.destination === undefined) return sendAnswer(reply, noDestination)

  const { idempotency, vault, clock, log } = system
  const scope = vltClientsDialect.prefix
  return answerOnce(request, reply, { dialect: vltClientsDialect, idempotency, scope }, async (tx) => {
    // The contract has seen to it that the field is text, and looked at it without the blanks around it.
    const asSent = String(input['tarjeta'])
    const tarjeta = asSent.length > maxTextLength ? asSent.trim() : asSent
    const outcome = await register(tx, vault, parsed.data, tarjeta, clock.now())
    if (outcome.alias) log.info({ clientId: outcome.clientId }, 'client found by document')
    return { ...outcomeAnswer(outcome, tarjeta), subject: `client ${String(outcome.clientId)}` }
  })
}

/** Every complaint about the fields, then the one about the key. */
function complain(parsed: ReturnType<typeof registrationRequest.safeParse>, key: Key): Answer {
  const complaints: FieldComplaint[] =
    parsed.error?.issues.map(({ path, message }) => ({ field: String(path[0]), message })) ?? []
  return invalid(key === 'malformed' ? [...complaints, malformedKey] : complaints)
}
