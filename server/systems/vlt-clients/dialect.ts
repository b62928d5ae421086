import {
  outcomeMessages,
  registrationPath,
  type RegistrationAnswer,
} from '../../../shared/contracts/vlt-clients.ts'
import type { FieldComplaint } from '../../../shared/errors.ts'
import type { Answer } from '../../plugins/answer.ts'
import { routeNotFound } from '../../plugins/fallback.ts'
import type { Outcome } from './service.ts'

/** The texts and shapes of the API document, and Laravel's where it is silent. */

/** `tarjeta` is the card exactly as the request spelled it. */
export function outcomeAnswer(
  { kind, clientId }: Outcome,
  tarjeta: string,
): { status: number; body: string } {
  const body: RegistrationAnswer = {
    id: clientId,
    tarjeta,
    mensaje: outcomeMessages[kind],
    esDuplicado: kind === 'duplicate',
  }
  return { status: kind === 'duplicate' ? 200 : 201, body: JSON.stringify(body) }
}

/** 422 with every complaint under its field; the summary counts complaints, not fields. */
export function invalid(complaints: FieldComplaint[]): Answer {
  const errors: Record<string, string[]> = {}
  for (const { field, message } of complaints) (errors[field] ??= []).push(message)
  const more = complaints.length - 1
  const suffix = more < 1 ? '' : ` (and ${String(more)} more ${more === 1 ? 'error' : 'errors'})`
  return { status: 422, body: { message: `${complaints[0]?.message ?? ''}${suffix}`, errors } }
}

export const malformedKey: FieldComplaint = {
  field: 'Idempotency-Key',
  message: 'The Idempotency-Key header must be 1 to 255 visible ASCII characters.',
}

export const keyOfOtherBody: Answer = invalid([
  {
    field: 'Idempotency-Key',
    message: 'The Idempotency-Key header was already used with another request body.',
  },
])

export const keyInProgress: Answer = {
  status: 409,
  body: { message: 'A request with this Idempotency-Key is still being processed.' },
}

export const tooLarge: Answer = { status: 413, body: { message: 'The POST data is too large.' } }

export const tooManyAttempts: Answer = { status: 429, body: { message: 'Too Many Attempts.' } }

export const unavailable: Answer = { status: 503, body: { message: 'Service Unavailable' } }

export const serverError: Answer = { status: 500, body: { message: 'Server Error' } }

export const noDestination: Answer = {
  status: 503,
  body: {
    message: 'The system has no destination client configured for VLT registrations. Contact support.',
  },
}

const registrationRoute = registrationPath.slice(1)

/** What is below the system's paths but no registration. `path` comes without outer slashes. */
export function unmatched(method: string, path: string): Answer {
  if (path !== registrationRoute) return routeNotFound(path)
  const headers = { allow: 'POST' }
  if (method === 'OPTIONS') return { status: 200, headers }
  const message = `The ${method} method is not supported for route ${path}. Supported methods: POST.`
  return { status: 405, headers, body: { message } }
}
