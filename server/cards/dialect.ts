import {
  type AuthenticationAnswer,
  authenticationPath,
  type InactiveAnswer,
} from '../../shared/contracts/cards.ts'
import type { Answer } from '../plugins/answer.ts'
import { routeNotFound } from '../plugins/fallback.ts'
import type { RouteDialect } from '../plugins/system.ts'
import type { Authentication } from './service.ts'

/** `asSent` is the card exactly as the request spelled it. */
export function authenticationAnswer(found: Authentication, asSent: string): Answer {
  switch (found.kind) {
    case 'active': {
      const { clientId: id, firstName: nombre } = found
      return {
        status: 200,
        body: { id, tarjeta: asSent, activa: true, nombre } satisfies AuthenticationAnswer,
      }
    }
    case 'inactive':
      return { status: 409, body: { activa: false } satisfies InactiveAnswer }
    case 'unknown':
      return refusal(404, 'The card is not registered.')
  }
}

export function invalid(complaint: string): Answer {
  return refusal(400, complaint)
}

export const noObject = 'The request body must be a JSON object.'

export const unauthorized = refusal(401, 'The X-Client-Secret header must hold a valid secret.')

const authenticationRoute = authenticationPath.slice(1)

/** The paths below which cards are answered for, and what is said there besides an answer. */
export const cardsDialect: RouteDialect = {
  prefix: '/v1/cards',
  unmatched: (method, path) => {
    if (path !== authenticationRoute) return routeNotFound(path)
    const headers = { allow: 'POST' }
    if (method === 'OPTIONS') return { status: 200, headers }
    return {
      ...refusal(405, `The ${method} method is not supported here. Supported methods: POST.`),
      headers,
    }
  },
  unreadable: () => refusal(400, 'The request could not be read.'),
  tooLarge: refusal(413, 'The request body is too large.'),
  tooManyAttempts: refusal(429, 'Too Many Attempts.'),
  unavailable: refusal(503, 'Service Unavailable'),
  serverError: () => refusal(500, 'Server Error'),
}

function refusal(status: number, message: string): Answer {
  return { status, body: { message } }
}
