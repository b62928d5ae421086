import { registrationAnswer } from '../../shared/contracts/vlt-clients.ts'
import type { ErrorCode } from '../../shared/errors.ts'

/** What became of one request. */
export type Response =
  | { kind: 'answer'; status: number; headers: Record<string, string | undefined>; body: string }
  /** No answer; `code` is the transport's own, `sent` whether the server may have received the request. */
  | { kind: 'failure'; code: string; sent: boolean }

/**
 * What the queue does with the row. A receipt is the server's answer body, without what must not be kept. `alone`: only
 * the system of this row is concerned, the others go on.
 */
export type Verdict =
  /** `error`: the server says that it has it, but not that it had it from us. */
  | { kind: 'delivered'; receipt: string; error?: ErrorCode }
  /** Refused for good: a dead letter. */
  | { kind: 'dead'; error: ErrorCode; receipt: string }
  /** Again later. `suspect`: the row itself may be the cause. `waitMs`: how long the server asked to wait. */
  | { kind: 'retry'; error: ErrorCode; suspect: boolean; waitMs?: number; alone?: true }
  /** Nothing can be delivered until a person has mended something: the row stays as it is. */
  | { kind: 'pause'; error: ErrorCode; alone?: true }

/** Longest wait a server may ask for; more would be a way to lose registrations. */
const maxWaitMs = 3_600_000

/** Decides by status, header and code alone; never by a message text. */
export function classify(response: Response): Verdict {
  if (response.kind === 'failure') return classifyFailure(response.code, response.sent)
  const { status } = response
  if (status === 200 || status === 201) return classifySuccess(response.body)
  const asked = retryAfterMs(response.headers)
  const wait = asked === undefined ? {} : { waitMs: asked }
  switch (status) {
    case 400:
    case 422:
      return { kind: 'dead', error: 'rejected-invalid', receipt: response.body }
    case 413:
      return { kind: 'dead', error: 'rejected-too-large', receipt: response.body }
    case 409:
      return response.headers['idempotency-key-state'] === 'in-progress'
        ? { kind: 'retry', error: 'request-in-progress', suspect: true, ...wait }
        : { kind: 'dead', error: 'rejected-conflict', receipt: response.body }
    case 401:
    case 403:
      return { kind: 'pause', error: 'server-refuses-us' }
    case 404:
    case 405:
      return { kind: 'pause', error: 'endpoint-missing' }
    case 429:
      return { kind: 'retry', error: 'rate-limited', suspect: false, ...wait }
    case 503:
      return { kind: 'retry', error: 'server-unavailable', suspect: true, ...wait }
  }
  if (status >= 500) return { kind: 'retry', error: 'server-failed', suspect: true, ...wait }
  return { kind: 'retry', error: 'server-unexpected-answer', suspect: true }
}

/** A login page of the network answers 200 too: only the documented body counts as stored. */
function classifySuccess(body: string): Verdict {
  const parsed = registrationAnswer.safeParse(parseJson(body))
  if (!parsed.success) return { kind: 'retry', error: 'server-unexpected-answer', suspect: true }
  return { kind: 'delivered', receipt: body }
}

/**
 * What a health probe says of the server, undefined for "it is there". Not every server has our health routes, so
 * that it refuses the probe is fine; a gateway's error, a redirect or a page of text is not the server.
 */
export function classifyProbe(
  response: Response,
): { state: 'offline' | 'paused'; error: ErrorCode } | undefined {
  if (response.kind === 'failure') {
    const verdict = classifyFailure(response.code, response.sent)
    return { state: verdict.kind === 'pause' ? 'paused' : 'offline', error: verdict.error }
  }
  const { status, headers } = response
  if (status >= 500) return { state: 'offline', error: 'server-unavailable' }
  const isOurs = status < 300 && (headers['content-type'] ?? '').startsWith('application/json')
  return isOurs || status >= 400 ? undefined : { state: 'offline', error: 'server-unexpected-answer' }
}

const tlsCodes = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_CHAIN_TOO_LONG',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'HOSTNAME_MISMATCH',
  'EPROTO',
])

/** Without an answer: was it the way, or the certificate? */
export function classifyFailure(code: string, sent: boolean): Verdict & { kind: 'retry' | 'pause' } {
  if (tlsCodes.has(code) || code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_')) {
    return { kind: 'pause', error: 'server-tls' }
  }
  return { kind: 'retry', error: sent ? 'server-timeout' : 'server-unreachable', suspect: sent }
}

/**
 * Milliseconds the server asks to wait: Retry-After as seconds or date (RFC 9110, 10.2.3), else X-RateLimit-Reset in
 * epoch seconds. A date is measured against the answer's own Date header, because this machine's clock may be wrong.
 */
export function retryAfterMs(headers: Record<string, string | undefined>): number | undefined {
  const serverNow = Date.parse(headers['date'] ?? '')
  const retryAfter = headers['retry-after']?.trim() ?? ''
  const reset = headers['x-ratelimit-reset']?.trim() ?? ''
  const asked = /^\d+$/.test(retryAfter)
    ? Number(retryAfter) * 1000
    : retryAfter !== ''
      ? Date.parse(retryAfter) - serverNow
      : Number(reset === '' ? Number.NaN : reset) * 1000 - serverNow
  return Number.isNaN(asked) ? undefined : Math.min(Math.max(asked, 0), maxWaitMs)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
