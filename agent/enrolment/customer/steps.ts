import type { z } from 'zod'
import {
  createAnswer,
  customerPaths,
  fieldErrorAnswer,
  plainAnswer,
  ticketHeader,
} from '../../../shared/contracts/customer-accounts.ts'
import type { ErrorCode } from '../../../shared/errors.ts'
import { classifyFailure, retryAfterMs, type Response } from '../../sync/classify.ts'
import type { ServerClient } from '../../sync/client.ts'
import { mayBeTaken } from '../../sync/systems/system.ts'
import { guessKey, type CustomerDraft } from './draft.ts'

/** What any step can meet. */
export type Obstacle =
  /** No use now: the server is away, or not the one it should be. */
  | { kind: 'away'; error: ErrorCode; mayBeDone: boolean }
  /** Too often: not before so many milliseconds. */
  | { kind: 'wait'; waitMs: number }
  /** The server's complaints, by field. */
  | { kind: 'refused'; errors: Record<string, string[]> }

/** Where the server does not say how long. */
const waitAnywayMs = 60_000

type Send = (path: string, body: unknown, key: string, headers?: Record<string, string>) => Promise<Response>

/** The three steps of a customer account, each one request to the server. */
export function customerSteps(client: ServerClient, signal: AbortSignal) {
  const send: Send = (path, body, key, headers) => {
    const all = { 'content-type': 'application/json', 'idempotency-key': `"${key}"`, ...headers }
    return client.request(path, JSON.stringify(body), all, signal)
  }

  return {
    /** Step 1: has a code mailed. Repeated under the same `sends` it sends no second mail. */
    async sendCode({ id, sends, customer }: CustomerDraft): Promise<{ kind: 'sent' } | Obstacle> {
      const { nombres, email } = customer
      const response = await send(customerPaths.register, { nombres, email }, `${id}-code-${String(sends)}`)
      return isSuccess(response, plainAnswer) ? { kind: 'sent' } : obstacle(response)
    },

    /** Step 2: shows the code. A wrong one, one that is over and one used up look the same. */
    async verify(
      draft: CustomerDraft,
      codigo: string,
    ): Promise<{ kind: 'verified'; ticket: string | null } | { kind: 'wrong' } | Obstacle> {
      const { email } = draft.customer
      const response = await send(customerPaths.verify, { email, codigo }, guessKey(draft, codigo))
      if (isSuccess(response, plainAnswer) && response.kind === 'answer') {
        return { kind: 'verified', ticket: response.headers[ticketHeader] ?? null }
      }
      const met = obstacle(response)
      return met.kind === 'refused' && Object.keys(met.errors).length === 0 ? { kind: 'wrong' } : met
    },

    /**
     * Step 3: makes the account. One key for all attempts: the server keeps a key for its success alone, so corrected
     * data may go under it, and `done-before` is its word for a success whose answer was lost.
     */
    async create(
      { id, customer, ticket }: CustomerDraft,
      password: string,
    ): Promise<
      | { kind: 'created'; customerId: number }
      | { kind: 'unverified' }
      | { kind: 'taken'; fields: string[] }
      | { kind: 'done-before' }
      | Obstacle
    > {
      const headers: Record<string, string> = ticket === null ? {} : { [ticketHeader]: ticket }
      const response = await send(customerPaths.create, { ...customer, password }, `${id}-create`, headers)
      if (response.kind === 'answer') {
        const answer = createAnswer.safeParse(parseJson(response.body))
        if (response.status === 200 && answer.success) {
          return { kind: 'created', customerId: answer.data.data.id }
        }
        if (response.status === 403) return { kind: 'unverified' }
        if (response.status === 422) return { kind: 'done-before' }
        if (response.status === 409 && response.headers['idempotency-key-state'] !== 'in-progress') {
          return { kind: 'taken', fields: Object.keys(errorsOf(response.body)) }
        }
      }
      return obstacle(response)
    },
  }
}

export type CustomerSteps = ReturnType<typeof customerSteps>

function isSuccess(response: Response, answer: z.ZodType): boolean {
  return (
    response.kind === 'answer' &&
    response.status === 200 &&
    answer.safeParse(parseJson(response.body)).success
  )
}

function obstacle(response: Response): Obstacle {
  const away = (error: ErrorCode): Obstacle => ({ kind: 'away', error, mayBeDone: mayBeTaken(response) })
  if (response.kind === 'failure') return away(classifyFailure(response.code, response.sent).error)
  const { status, headers, body } = response
  if (status === 400 || status === 413 || status === 422) return { kind: 'refused', errors: errorsOf(body) }
  if (status === 429) return { kind: 'wait', waitMs: retryAfterMs(headers) ?? waitAnywayMs }
  if (status === 409) return away('request-in-progress')
  if (status === 401 || status === 403) return away('server-refuses-us')
  if (status === 404 || status === 405) return away('endpoint-missing')
  if (status === 503) return away('server-unavailable')
  return away(status >= 500 ? 'server-failed' : 'server-unexpected-answer')
}

function errorsOf(body: string): Record<string, string[]> {
  return (
    fieldErrorAnswer.shape.errors.safeParse((parseJson(body) as { errors?: unknown } | null)?.errors).data ??
    {}
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
