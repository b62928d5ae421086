import {
  type CustomerAnswer,
  customerPaths,
  type LoginAnswer,
  successMessages,
  ticketHeader,
} from '../../../shared/contracts/customer-accounts.ts'
import type { FieldComplaint } from '../../../shared/errors.ts'
import type { KeptAnswer } from '../../idempotency/idempotency.ts'
import type { Answer } from '../../plugins/answer.ts'

/** The shapes and success texts of the API document; it names no error, so their texts are ours. */

/** Codes sent and codes not sent look the same. */
export const codeSent = said(200, successMessages.register)

export function verified(ticket: string): KeptAnswer {
  return { ...said(200, successMessages.verify), headers: { [ticketHeader]: ticket } }
}

export function created(data: CustomerAnswer): KeptAnswer {
  return said(200, successMessages.create, { data })
}

export function loggedIn(data: LoginAnswer): KeptAnswer {
  return said(200, successMessages.login, { data })
}

export const notJson = said(400, 'El cuerpo de la solicitud debe ser un objeto JSON.')

export function invalid(complaints: FieldComplaint[]): KeptAnswer {
  return said(400, 'Los datos enviados no son válidos.', { errors: byField(complaints) })
}

export const malformedKey: FieldComplaint = {
  field: 'Idempotency-Key',
  message: 'La cabecera Idempotency-Key debe tener de 1 a 255 caracteres ASCII visibles.',
}

/** Unknown address, wrong code, expired, used up: one text for all. */
export const codeRefused = said(400, 'El código de verificación no es válido o ha vencido.')

export const loginRefused = said(401, 'El correo electrónico o la contraseña no son correctos.')

export const notVerified = said(
  403,
  'El correo electrónico no está verificado o la verificación ha vencido. Solicite un código nuevo.',
)

export function taken(fields: string[]): KeptAnswer {
  const complaints = fields.map((field) => ({
    field,
    message: `El valor del campo ${field} ya está registrado.`,
  }))
  return said(409, 'Ya existe un cliente con estos datos.', { errors: byField(complaints) })
}

export const keyInProgress = said(409, 'Una solicitud con esta Idempotency-Key todavía está en proceso.')

export const tooLarge = said(413, 'La solicitud es demasiado grande.')

export const keyOfOtherBody = said(422, 'Esta Idempotency-Key ya se usó con otra solicitud.')

export const tooManyAttempts = said(429, 'Demasiados intentos. Inténtelo de nuevo más tarde.')

export function waitFor(ms: number): KeptAnswer {
  return { ...tooManyAttempts, headers: { 'retry-after': String(Math.max(1, Math.ceil(ms / 1000))) } }
}

export function serverError(incident: string): KeptAnswer {
  return said(500, `Error interno del servidor. Incidente: ${incident}`)
}

export const unavailable = said(503, 'El servicio no está disponible. Inténtelo de nuevo en unos segundos.')

const routes: string[] = Object.values(customerPaths).map((path) => path.slice(1))

/** What is below the system's paths but none of its routes. `path` comes without outer slashes. */
export function unmatched(method: string, path: string): Answer {
  if (!routes.includes(path)) return said(404, 'La ruta no existe.')
  const headers = { allow: 'POST' }
  if (method === 'OPTIONS') return { status: 200, headers }
  return { ...said(405, `El método ${method} no está permitido. Use POST.`), headers }
}

/** The envelope of every answer; the status stands in it once more. */
function said(status: number, message: string, more: { data?: unknown; errors?: unknown } = {}): KeptAnswer {
  return { status, body: JSON.stringify({ message, status, ...more }) }
}

function byField(complaints: FieldComplaint[]): Record<string, string[]> {
  const errors: Record<string, string[]> = {}
  for (const { field, message } of complaints) (errors[field] ??= []).push(message)
  return errors
}
