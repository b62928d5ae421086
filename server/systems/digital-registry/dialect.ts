import {
  formatComplaint,
  type RegistrationAnswer,
  registrationPath,
} from '../../../shared/contracts/digital-registry.ts'
import type { Answer } from '../../plugins/answer.ts'
import type { LoginOutcome } from './login/login.ts'

/** The texts and shapes of the API document, and words of its kind where it is silent. */

/** `createdAt` is ISO 8601. */
export function registered(code: string, url: string, createdAt: string): { status: number; body: string } {
  const body: RegistrationAnswer = {
    status: 200,
    message: 'Registro generado exitosamente',
    data: { Codigo: code, Url: url, Fecha: bogotaTime(createdAt) },
  }
  return { status: 200, body: JSON.stringify(body) }
}

// Swedish writes times as the document does.
const bogota = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'America/Bogota',
  dateStyle: 'short',
  timeStyle: 'medium',
})

function bogotaTime(at: string): string {
  return bogota.format(new Date(at))
}

export function problem(status: number, message: string, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: { status, message } }
}

export const insecure = problem(403, 'La API debe consumirse exclusivamente por HTTPS.')

export const wrongFormat = problem(400, formatComplaint)

export const malformedKey = problem(
  400,
  'El encabezado Idempotency-Key debe tener de 1 a 255 caracteres ASCII visibles.',
)

export const wrongDocumentType = problem(400, 'Error al crear registro, tipo de documento incorrecto.')

const refusals = {
  'unknown-user': problem(401, 'Usuario no encontrado.'),
  'wrong-password': problem(401, 'Error de autenticación.'),
  'no-api-access': problem(403, 'El usuario no tiene atributos programáticos.'),
  'user-blocked': problem(403, 'El usuario se encuentra bloqueado.'),
  'entity-suspended': problem(403, 'La entidad asociada al usuario se encuentra suspendida.'),
} as const satisfies Partial<Record<LoginOutcome['kind'], Answer>>

export function refused(outcome: Exclude<LoginOutcome, { kind: 'accepted' }>): Answer {
  return outcome.kind === 'throttled' ? throttled(outcome.waitMs) : refusals[outcome.kind]
}

function throttled(waitMs: number): Answer {
  const seconds = String(Math.max(1, Math.ceil(waitMs / 1000)))
  const message = `Demasiados intentos fallidos. Intente de nuevo en ${seconds} segundos.`
  return problem(429, message, { 'retry-after': seconds })
}

export const tooManyRequests = problem(429, 'Demasiadas solicitudes. Intente de nuevo más tarde.')

export const tooLarge = problem(413, 'La solicitud es demasiado grande.')

export const keyInProgress = problem(409, 'Una solicitud con esta Idempotency-Key aún se está procesando.')

export const keyOfOtherBody = problem(422, 'Esta Idempotency-Key ya se usó con otro contenido.')

export const unavailable = problem(503, 'Servicio no disponible. Intente de nuevo en unos segundos.')

export function serverError(incident: string): Answer {
  return problem(500, `Error del servidor: ${incident}`)
}

const registrationRoute = registrationPath.slice(1)

/** What is below the system's paths but no registration. `path` comes without outer slashes. */
export function unmatched(method: string, path: string): Answer {
  if (path !== registrationRoute) return problem(404, 'El recurso solicitado no existe.')
  const headers = { allow: 'POST' }
  if (method === 'OPTIONS') return { status: 200, headers }
  return problem(405, `El método ${method} no está permitido. Use POST.`, headers)
}
