import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../../shared/clock.ts'
import { registrationRequest, type Registration } from '../../../shared/contracts/vlt-clients.ts'
import type { FieldComplaint } from '../../../shared/errors.ts'
import type { Log } from '../../../shared/log.ts'
import { type Idempotency, type Key, type Once, readKey } from '../../idempotency/idempotency.ts'
import { type Answer, sendAnswer } from '../../plugins/answer.ts'
import { clientFault, type Dialect, logIncident } from '../../plugins/fallback.ts'
import { type HitStore, limitRate } from '../../plugins/rate-limit.ts'
import { jsonObject, rawBody } from '../../plugins/request-body.ts'
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
  clock: Clock
  log: Log
}

/** The paths this system answers for, in its dialect. */
export const vltClientsDialect: Dialect = { prefix: '/api/clientes', unmatched }

/** POST /api/clientes/register, on an app that has the system's prefix. */
export function vltClients(app: FastifyInstance, system: VltClients): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = clientFault(error)
    if (status === 413) return sendAnswer(reply, tooLarge)
    // A request that the framework cannot read counts as empty input.
    if (status !== undefined) return sendAnswer(reply, emptyInput(request))
    logIncident(system.log, request.id, error)
    return sendAnswer(reply, serverError)
  })
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

  const once = await system.idempotency.once(
    { scope: vltClientsDialect.prefix, key: key === 'absent' ? undefined : key.key, body: rawBody(request) },
    async (tx) => {
      // The contract has seen to it that the field is text; what it gave back is trimmed.
      const tarjeta = String(input['tarjeta'])
      const outcome = await register(tx, parsed.data satisfies Registration, tarjeta, system.clock.now())
      if (outcome.alias) system.log.info({ clientId: outcome.clientId }, 'client found by document')
      return outcomeAnswer(outcome, tarjeta)
    },
  )
  return sendAnswer(reply, onceAnswer(once))
}

function onceAnswer(once: Once): Answer {
  switch (once.state) {
    case 'answered':
      return once.answer
    case 'replayed':
      return { ...once.answer, headers: { 'idempotency-replayed': 'true' } }
    case 'in-progress':
      return keyInProgress
    case 'other-body':
      return invalid([keyOfOtherBody])
  }
}

/** Every complaint about the fields, then the one about the key. */
function complain(parsed: ReturnType<typeof registrationRequest.safeParse>, key: Key): Answer {
  const complaints: FieldComplaint[] =
    parsed.error?.issues.map(({ path, message }) => ({ field: String(path[0]), message })) ?? []
  return invalid(key === 'malformed' ? [...complaints, malformedKey] : complaints)
}

function emptyInput(request: FastifyRequest): Answer {
  return complain(registrationRequest.safeParse({}), readKey(request.headers['idempotency-key']))
}
