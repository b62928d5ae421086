import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { type Idempotency, type Once, type OnceRequest, readKey } from '../idempotency/idempotency.ts'
import { type Answer, sendAnswer } from './answer.ts'
import { clientFault, type Dialect, logIncident } from './fallback.ts'
import { rawBody } from './request-body.ts'

/** How a system says what any of its routes can run into. */
export interface RouteDialect extends Dialect {
  /** The framework could not read the request: a broken header, a body that ended early. */
  unreadable: (request: FastifyRequest) => Answer
  /** 413 */
  tooLarge: Answer
  /** 429; the headers come from the limit. */
  tooManyAttempts: Answer
  /** 503: the machine or its database cannot take this now; Retry-After is added. */
  unavailable: Answer
  /** 500; people quote the incident, and the log has it. */
  serverError: (incident: string) => Answer
}

/** How a system says what any of its write routes can run into. */
export interface SystemDialect extends RouteDialect {
  /** 409; its headers are added. */
  keyInProgress: Answer
  /** 422 */
  keyOfOtherBody: Answer
}

// A queue of passwords or a restart of the database takes seconds.
const retryAfterSeconds = '5'

/** What goes wrong below a system's paths is said in its dialect; bugs are logged, once. */
export function answerFaults(app: FastifyInstance, dialect: RouteDialect, log: Log): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = clientFault(error)
    if (status === 413) return sendAnswer(reply, dialect.tooLarge)
    if (status !== undefined) return sendAnswer(reply, dialect.unreadable(request))
    if (error instanceof AppError && error.retry === 'later') {
      log.warn({ code: error.code, requestId: request.id }, 'request could not be taken now')
      reply.header('retry-after', retryAfterSeconds)
      return sendAnswer(reply, dialect.unavailable)
    }
    logIncident(log, request.id, error)
    return sendAnswer(reply, dialect.serverError(request.id))
  })
}

interface OnceRoute {
  dialect: SystemDialect
  idempotency: Idempotency
  scope: string
}

/** The Idempotency-Key mechanism around `work`, answered in the dialect. A malformed key is the caller's to refuse. */
export async function answerOnce(
  request: FastifyRequest,
  reply: FastifyReply,
  { dialect, idempotency, scope }: OnceRoute,
  work: Parameters<Idempotency['once']>[1],
): Promise<FastifyReply> {
  return sendAnswer(reply, onceAnswer(await idempotency.once(onceRequest(request, scope), work), dialect))
}

/**
 * Sends the answer this very request had before; answers whether there was one. To be asked before any check that
 * could refuse today what was done yesterday: whoever missed the answer must not be told that nothing happened. Not
 * where bodies hold what is guessed on a budget: a known key would tell a right guess, and count none.
 */
export async function answerAgain(
  request: FastifyRequest,
  reply: FastifyReply,
  { dialect, idempotency, scope }: OnceRoute,
): Promise<boolean> {
  const answer = await idempotency.kept(onceRequest(request, scope))
  if (answer !== undefined) sendAnswer(reply, onceAnswer({ state: 'replayed', answer }, dialect))
  return answer !== undefined
}

function onceRequest(request: FastifyRequest, scope: string): OnceRequest {
  const key = readKey(request.headers['idempotency-key'])
  return { scope, key: typeof key === 'object' ? key.key : undefined, body: rawBody(request) }
}

/** What came of it, in the dialect. */
export function onceAnswer(once: Once, dialect: SystemDialect): Answer {
  switch (once.state) {
    case 'answered':
      return once.answer
    case 'replayed':
      return { ...once.answer, headers: { ...once.answer.headers, 'idempotency-replayed': 'true' } }
    case 'in-progress': {
      const headers = { 'retry-after': '1', 'idempotency-key-state': 'in-progress' }
      return { ...dialect.keyInProgress, headers }
    }
    case 'other-body':
      return dialect.keyOfOtherBody
  }
}
