import { readFileSync } from 'node:fs'
import { AppError } from '../../shared/errors.ts'
import type { ServerClient } from '../sync/client.ts'
import { authenticationPath } from '../../shared/contracts/cards.ts'
import type { CardLookup } from './state.ts'

/** A person waits with a card in the hand: who takes longer has no answer. */
const answerWithinMs = 2_000

/**
 * Asks the server about a card without an enrolment, under the client secret in `secretFile`. What it says of the
 * owner stays here: the status alone is the answer. Throws `client-secret-unusable`.
 */
export function createCardLookup(
  /** The way to the server; undefined where none is configured. It changes when the kiosk joins another. */
  clientNow: () => ServerClient | undefined,
  secretFile: string | undefined,
  over: AbortSignal,
): CardLookup {
  if (secretFile === undefined) return () => Promise.resolve(undefined)
  const secret = readSecret(secretFile)
  const headers = { 'content-type': 'application/json', 'x-client-secret': secret }
  return async (uid) => {
    const client = clientNow()
    if (client === undefined) return undefined
    const signal = AbortSignal.any([over, AbortSignal.timeout(answerWithinMs)])
    const body = JSON.stringify({ cardIdentifier: uid })
    const response = await client.request(authenticationPath, body, headers, signal)
    if (response.kind === 'failure') return undefined
    return ({ 200: 'card-active', 409: 'card-inactive', 404: 'card-unknown' } as const)[response.status]
  }
}

function readSecret(file: string): string {
  try {
    const secret = readFileSync(file, 'utf8').trim()
    if (/^[\x21-\x7e]+$/.test(secret)) return secret
  } catch (cause) {
    throw new AppError('client-secret-unusable', `the client secret in ${file} cannot be read`, { cause })
  }
  throw new AppError('client-secret-unusable', `${file} holds no client secret`)
}
