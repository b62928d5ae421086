import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../../shared/clock.ts'
import type { Log } from '../../../shared/log.ts'
import type { Audit } from '../../audit/audit.ts'
import type { Database } from '../../database/database.ts'
import { type Idempotency, readKey } from '../../idempotency/idempotency.ts'
import { sendAnswer } from '../../plugins/answer.ts'
import { jsonObject } from '../../plugins/request-body.ts'
import { answerAgain, answerFaults, answerOnce, type RouteDialect } from '../../plugins/system.ts'
import { type HitStore, limitRate } from '../../rate-limit/limit-rate.ts'
import type { Passwords } from '../../security/passwords.ts'
import type { Tokens } from '../../security/tokens.ts'
import type { Vault } from '../../security/vault.ts'
import {
  complainOfBody,
  created,
  invalid,
  invalidToken,
  licenceFault,
  malformedKey,
  me,
  meDialect,
  noToken,
  registrationDialect,
  taken,
} from './dialect.ts'
import { accountSubject } from './person.ts'
import { accountOf, checkRegistration, register } from './service.ts'

export interface UserAccounts {
  /** Requests per minute, client address and route. */
  ratePerMinute: number
  hits: HitStore
  idempotency: Idempotency
  database: Database
  vault: Vault
  passwords: Passwords
  tokens: Tokens
  audit: Audit
  clock: Clock
  log: Log
}

/** POST /api/register, on an app that has this prefix. */
export function userAccounts(app: FastifyInstance, system: UserAccounts): void {
  answerFaults(app, registrationDialect, system.log)
  app.post('/', {
    onRequest: limit('user-accounts', registrationDialect, system),
    handler: (request, reply) => answerRegistration(request, reply, system),
  })
}

/** GET /v1/me, on an app that has this prefix: whose token it is, for whoever takes tokens. */
export function userAccountsMe(app: FastifyInstance, system: UserAccounts): void {
  answerFaults(app, meDialect, system.log)
  app.get('/', {
    onRequest: limit('user-accounts-me', meDialect, system),
    handler: (request, reply) => answerMe(request, reply, system),
  })
}

function limit(name: string, dialect: RouteDialect, { ratePerMinute, hits, clock }: UserAccounts) {
  const refusal = dialect.tooManyAttempts
  return limitRate({ name, max: ratePerMinute, windowMs: 60_000, store: hits, clock, refusal })
}

async function answerRegistration(
  request: FastifyRequest,
  reply: FastifyReply,
  system: UserAccounts,
): Promise<FastifyReply> {
  const body = jsonObject(request)
  if (body === undefined) return sendAnswer(reply, complainOfBody(request))
  const { idempotency, passwords, tokens, clock } = system
  const once = { dialect: registrationDialect, idempotency, scope: registrationDialect.prefix }
  if (await answerAgain(request, reply, once)) return reply
  const checked = await checkRegistration(system.database, body)
  const keyFaults = readKey(request.headers['idempotency-key']) === 'malformed' ? [malformedKey] : []
  if (checked.kind === 'wrong-fields' || keyFaults.length > 0) {
    const complaints = checked.kind === 'wrong-fields' ? checked.complaints : []
    return sendAnswer(reply, invalid([...complaints, ...keyFaults]))
  }
  if (checked.kind === 'wrong-licence') return sendAnswer(reply, licenceFault(checked.fault))

  const { registration } = checked
  // Before the transaction: a hash takes longer than anything that waits for it should.
  const hash = await passwords.hash(registration.usuarioPassword)
  return answerOnce(request, reply, once, async (tx) => {
    const user = await register(tx, system, registration, hash, clock.now())
    if (user === undefined) return taken
    const { profile: _profile, ...claims } = user
    return { ...created(await tokens.sign(claims), user), subject: accountSubject(user.usuario_id) }
  })
}

async function answerMe(
  request: FastifyRequest,
  reply: FastifyReply,
  system: UserAccounts,
): Promise<FastifyReply> {
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization?.trim() ?? '')?.[1]
  if (token === undefined) return sendAnswer(reply, noToken)
  const user = await accountOf(await system.tokens.verify(token), system)
  return sendAnswer(reply, user === undefined ? invalidToken : me(user))
}
