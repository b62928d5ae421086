import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Clock } from '../../../shared/clock.ts'
import {
  birthComplaint,
  createRequest,
  customerPaths,
  type CustomerProfile,
  loginRequest,
  registerRequest,
  ticketHeader,
  verifyRequest,
} from '../../../shared/contracts/customer-accounts.ts'
import type { FieldComplaint } from '../../../shared/errors.ts'
import type { Log } from '../../../shared/log.ts'
import { addressBucket } from '../../client-address.ts'
import type { Core } from '../../core.ts'
import { type Idempotency, readKey } from '../../idempotency/idempotency.ts'
import { sendAnswer } from '../../plugins/answer.ts'
import { jsonObject } from '../../plugins/request-body.ts'
import { answerFaults, answerOnce, type SystemDialect } from '../../plugins/system.ts'
import { type HitStore, limitRate } from '../../rate-limit/limit-rate.ts'
import { accountSubject } from './account.ts'
import {
  codeRefused,
  codeSent,
  created,
  invalid,
  keyInProgress,
  keyOfOtherBody,
  loggedIn,
  loginRefused,
  malformedKey,
  notJson,
  notVerified,
  serverError,
  taken,
  tooLarge,
  tooManyAttempts,
  unavailable,
  unmatched,
  verified,
  waitFor,
} from './dialect.ts'
import { checkPassword, logIn } from './login.ts'
import {
  checkGuess,
  createAccount,
  type Guess,
  isVerified,
  returnGuess,
  startRegistration,
  takeGuess,
} from './service.ts'

export interface CustomerAccounts {
  core: Core
  /** Requests per minute, route and client address. */
  ratePerMinute: number
  hits: HitStore
  idempotency: Idempotency
  clock: Clock
  log: Log
}

/** The paths this system answers for, in its dialect. */
export const customerAccountsDialect: SystemDialect = {
  prefix: '/auth',
  unmatched,
  unreadable: () => notJson,
  tooLarge,
  tooManyAttempts,
  unavailable,
  serverError,
  keyInProgress,
  keyOfOtherBody,
}

/** The three steps of a registration and the login, on an app that has the system's prefix. */
export function customerAccounts(app: FastifyInstance, system: CustomerAccounts): void {
  const { core, clock, idempotency } = system
  const { database, vault, passwords, audit } = core
  answerFaults(app, customerAccountsDialect, system.log)

  const post = <T extends z.ZodObject>(
    path: string,
    contract: T,
    answer: Answering<z.output<T>>,
    alsoWrong: (input: Record<string, unknown>) => FieldComplaint[] = () => [],
  ): void => {
    app.post(path.slice(customerAccountsDialect.prefix.length), {
      onRequest: limitRate({
        name: path,
        max: system.ratePerMinute,
        windowMs: 60_000,
        store: system.hits,
        clock,
        refusal: tooManyAttempts,
      }),
      handler: (request, reply) => {
        const input = jsonObject(request)
        if (input === undefined) return sendAnswer(reply, notJson)
        const { data, error } = contract.safeParse(input)
        const complaints = [...fieldComplaints(error), ...alsoWrong(input), ...keyComplaints(request)]
        if (data === undefined || complaints.length > 0) return sendAnswer(reply, invalid(complaints))
        return answer(data, request, reply)
      },
    })
  }
  const once = (scope: string) => ({ dialect: customerAccountsDialect, idempotency, scope })

  post(customerPaths.register, registerRequest, (input, request, reply) =>
    answerOnce(request, reply, once(customerPaths.register), async (tx) => {
      const outcome = await startRegistration(tx, core, input, clock.now())
      return outcome.kind === 'wait' ? waitFor(outcome.waitMs) : codeSent
    }),
  )

  post(customerPaths.verify, verifyRequest, async (input, request, reply) => {
    const guess = await database.transact((tx) => takeGuess(tx, vault, input.email, clock.now()))
    if (guess.kind === 'wait') return sendAnswer(reply, waitFor(guess.waitMs))
    const counted = { ...once(customerPaths.verify), idempotency: returningGuesses(system, guess) }
    return answerOnce(request, reply, counted, async (tx) => {
      const shown = { codigo: input.codigo, network: networkOf(request) }
      const outcome = await checkGuess(tx, vault, guess, shown, clock.now())
      if (outcome.kind === 'verified') return verified(outcome.ticket)
      audit.tally({ action: 'customer-code-refused', actor: 'anonymous', subject: 'customer-registration' })
      return codeRefused
    })
  })

  const create: Answering<CustomerProfile> = async (profile, request, reply) => {
    const { email, nombres, password } = profile
    const claim = { email, ticket: ticketOf(request), network: networkOf(request) }
    const worthwhile = await database.query((db) => isVerified(db, vault, claim, clock.now()))
    const hash = worthwhile ? await passwords.hash(password) : undefined
    return answerOnce(request, reply, once(customerPaths.create), async (tx) => {
      const outcome = await createAccount(tx, core, profile, claim, hash, clock.now())
      if (outcome.kind === 'unverified') return notVerified
      if (outcome.kind === 'taken') return taken(outcome.fields)
      const { id } = outcome
      return { ...created({ id, nombres, email }), subject: accountSubject(id) }
    })
  }
  post(customerPaths.create, createRequest, create, (input) => futureBirth(input, clock.now()))

  post(customerPaths.login, loginRequest, async (credentials, request, reply) => {
    const network = networkOf(request) ?? 'unknown'
    const checked = await checkPassword(core, clock, { ...credentials, network })
    if (checked.kind === 'wait') return sendAnswer(reply, waitFor(checked.waitMs))
    return answerOnce(request, reply, once(customerPaths.login), async (tx) => {
      const customer = checked.kind === 'matched' ? await logIn(tx, core, checked) : undefined
      if (customer === undefined) return loginRefused
      return { ...loggedIn(customer), subject: accountSubject(customer.id) }
    })
  })
}

type Answering<T> = (input: T, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>

function fieldComplaints(error: z.ZodError | undefined): FieldComplaint[] {
  return error?.issues.map(({ path, message }) => ({ field: String(path[0]), message })) ?? []
}

function futureBirth(input: Record<string, unknown>, now: string): FieldComplaint[] {
  const field = 'fecha_nacimiento'
  const { data } = createRequest.shape[field].safeParse(input[field])
  const message = data === undefined ? undefined : birthComplaint(data, now.slice(0, 10))
  return message === undefined ? [] : [{ field, message }]
}

function keyComplaints({ headers }: FastifyRequest): FieldComplaint[] {
  return readKey(headers['idempotency-key']) === 'malformed' ? [malformedKey] : []
}

/**
 * A guess whose key has an answer, or is in flight, was not looked at and does not count. One whose key belongs to
 * another body does: else whoever knows a key could try all codes until one is replayed.
 */
function returningGuesses({ core, idempotency }: CustomerAccounts, guess: Guess): Idempotency {
  return {
    ...idempotency,
    once: async (request, work) => {
      const outcome = await idempotency.once(request, work)
      if (outcome.state === 'replayed' || outcome.state === 'in-progress') {
        await core.database.transact((tx) => returnGuess(tx, guess))
      }
      return outcome
    },
  }
}

function networkOf(request: FastifyRequest): string | undefined {
  return addressBucket(request.ip)
}

function ticketOf(request: FastifyRequest): string | undefined {
  const header = request.headers[ticketHeader]
  return typeof header === 'string' ? header.trim() : header?.join()
}
