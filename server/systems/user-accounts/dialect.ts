import type { FastifyRequest } from 'fastify'
import {
  licenceTexts,
  mePath,
  type RegistrationAnswer,
  registrationPath,
  type User,
} from '../../../shared/contracts/user-accounts.ts'
import type { FieldComplaint } from '../../../shared/errors.ts'
import type { KeptAnswer } from '../../idempotency/idempotency.ts'
import type { Answer } from '../../plugins/answer.ts'
import { isJson } from '../../plugins/request-body.ts'
import type { RouteDialect, SystemDialect } from '../../plugins/system.ts'

/** The texts and shapes of the API document; where it is silent, its shape with a text in its language. */

export function created(token: string, user: User): KeptAnswer {
  return { status: 201, body: JSON.stringify({ token, user } satisfies RegistrationAnswer) }
}

export const taken: KeptAnswer = {
  status: 409,
  body: JSON.stringify({ error: 'Login o correo ya registrado' }),
}

export function invalid(details: FieldComplaint[]): Answer {
  return { status: 400, body: { error: 'Datos inválidos', details } }
}

export function licenceFault(fault: keyof typeof licenceTexts): Answer {
  return refusal(400, licenceTexts[fault])
}

export const malformedKey: FieldComplaint = {
  field: 'Idempotency-Key',
  message: 'Idempotency-Key must be 1 to 255 visible ASCII characters',
}

export const notAnObject = refusal(400, 'El cuerpo de la solicitud debe ser un objeto JSON')
export const unsupportedType = refusal(415, 'El Content-Type debe ser application/json')

export function me(user: User): Answer {
  return { status: 200, body: { user } }
}

// RFC 6750: what the bearer lacks stands in the header, for programs.
export const noToken = refusal(401, 'Token no provisto', { 'www-authenticate': 'Bearer' })
export const invalidToken = refusal(401, 'Token inválido o caducado', {
  'www-authenticate': 'Bearer error="invalid_token"',
})

/** What both routes of this system have in common. */
function dialectOf(prefix: string, method: string, failure: string): RouteDialect {
  return {
    prefix,
    unmatched: (asked, path) => {
      if (`/${path}` !== prefix) return refusal(404, 'Ruta no encontrada')
      const allow = { allow: method }
      return asked === 'OPTIONS'
        ? { status: 200, headers: allow }
        : refusal(405, 'Método no permitido', allow)
    },
    unreadable: complainOfBody,
    tooLarge: refusal(413, 'El cuerpo de la solicitud es demasiado grande'),
    tooManyAttempts: refusal(429, 'Demasiadas solicitudes'),
    unavailable: refusal(503, 'Servicio no disponible por el momento'),
    serverError: (incident) => refusal(500, failure, { 'x-request-id': incident }),
  }
}

/** Why there is no JSON object in the body. */
export function complainOfBody(request: FastifyRequest): Answer {
  return isJson(request) ? notAnObject : unsupportedType
}

function refusal(status: number, error: string, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: { error } }
}

export const registrationDialect: SystemDialect = {
  ...dialectOf(registrationPath, 'POST', 'Error interno al registrar usuario'),
  keyInProgress: refusal(409, 'Ya hay una solicitud en curso con esta Idempotency-Key'),
  keyOfOtherBody: refusal(422, 'La Idempotency-Key ya se usó con otro contenido'),
}

export const meDialect = dialectOf(mePath, 'GET, HEAD', 'Error interno')
