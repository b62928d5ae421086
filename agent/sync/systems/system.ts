import type { ErrorCode } from '../../../shared/errors.ts'
import { classifyFailure, retryAfterMs, type Response, type Verdict } from '../classify.ts'

/** How registrations of one documented system are sent, and what its answers mean. */
export interface RemoteSystem {
  path: string
  /**
   * Whether the system answers a repetition it does not recognise with "taken". Then a row must remember, durably and
   * before it leaves, that it was sent.
   */
  repeatMayConflict: boolean
  /** What is sent for a stored body, or why it cannot be: secrets of this machine are added here, not kept in rows. */
  bodyOf: (stored: string) => { body: string } | { error: ErrorCode }
  /** `isRepeat`: an earlier attempt may have arrived without our seeing its answer. */
  classify: (response: Response, isRepeat: boolean) => Verdict
}

/** What differs between systems whose refusals concern themselves alone. */
interface Rules {
  /** What is kept of a documented success; undefined for anything else, such as the login page of a network. */
  receiptOf: (body: unknown) => string | undefined
  /** Statuses that say "there is one already", and what that is where nobody can have sent it before us. */
  taken: { statuses: readonly number[]; error: ErrorCode }
  /** 401 and 403. */
  refusesUs: ErrorCode
}

/** By status, header and the body's shape; never by a message text. */
export function classifyAlone(response: Response, isRepeat: boolean, rules: Rules): Verdict {
  if (response.kind === 'failure') return classifyFailure(response.code, response.sent)
  const { status, headers, body } = response
  const receipt = status === 200 || status === 201 ? rules.receiptOf(parseJson(body)) : undefined
  if (receipt !== undefined) return { kind: 'delivered', receipt }
  const askedMs = retryAfterMs(headers)
  const wait = askedMs === undefined ? {} : { waitMs: askedMs }
  if (headers['idempotency-key-state'] === 'in-progress') {
    return { kind: 'retry', error: 'request-in-progress', suspect: true, ...wait }
  }
  if (rules.taken.statuses.includes(status)) {
    return isRepeat
      ? { kind: 'delivered', receipt: body, error: 'delivered-unconfirmed' }
      : { kind: 'dead', error: rules.taken.error, receipt: body }
  }
  switch (status) {
    case 400:
    case 415:
    case 422:
      return { kind: 'dead', error: 'rejected-invalid', receipt: body }
    case 409:
      return { kind: 'dead', error: 'rejected-conflict', receipt: body }
    case 413:
      return { kind: 'dead', error: 'rejected-too-large', receipt: body }
    case 401:
    case 403:
      return { kind: 'pause', error: rules.refusesUs, alone: true }
    case 404:
    case 405:
      return { kind: 'pause', error: 'endpoint-missing', alone: true }
    case 429:
      return { kind: 'retry', error: 'rate-limited', suspect: false, ...wait, alone: true }
    case 503:
      return { kind: 'retry', error: 'server-unavailable', suspect: true, ...wait }
  }
  if (status >= 500) return { kind: 'retry', error: 'server-failed', suspect: true, ...wait }
  return { kind: 'retry', error: 'server-unexpected-answer', suspect: true }
}

/**
 * Whether the server may have taken what this answer, or its absence, belongs to: a success cut short, a gateway that
 * lost the answer, a server that broke after its commit.
 */
export function mayBeTaken(response: Response): boolean {
  if (response.kind === 'failure') return response.sent
  return response.status < 300 || (response.status >= 500 && response.status !== 503)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
