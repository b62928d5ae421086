import type { CardUid } from '../../shared/card-uid.ts'
import {
  registrationRequest,
  type Registration,
  type RegistrationField,
} from '../../shared/contracts/vlt-clients.ts'
import { AppError } from '../../shared/errors.ts'
import { formatWireJson, parseWireJson } from '../../shared/wire-json.ts'
import type { NewRegistration } from '../outbox/registration.ts'
import { complaintsOf, unknownFields, type Complaint } from './forms/form.ts'

/** A client's data, checked; without the card, which the tap brings. Integers are decimal text. */
export type ClientData = Omit<Registration, 'tarjeta'>

const clientSchema = registrationRequest.omit({ tarjeta: true })
export const clientFields = Object.keys(clientSchema.shape) as Exclude<RegistrationField, 'tarjeta'>[]
/** What a client without any data lacks. */
export const requiredFields: readonly string[] =
  clientSchema.safeParse({}).error?.issues.map(({ path }) => String(path[0])) ?? []

/** Fields that travel as JSON integers of up to 64 bits. */
const integerFields: ReadonlySet<string> = new Set(
  clientFields.filter((field) => clientSchema.shape[field].meta()?.['type'] === 'integer'),
)

/**
 * Reads a client's data: the JSON object of the API document, without `tarjeta`. By the server's own rules, and
 * stricter in one: a field the document does not know is refused, because it is most likely a misspelt one.
 */
export function checkClient(value: unknown): { client: ClientData } | { complaints: Complaint[] } {
  const input = isObject(value) ? value : {}
  const parsed = clientSchema.safeParse(input)
  const complaints = [...complaintsOf(parsed.error), ...unknownFields(input, clientFields)]
  if (!parsed.success || complaints.length > 0) return { complaints }
  return { client: parsed.data }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The same from JSON text. Throws `input-invalid` with every wrong field. */
export function parseClient(text: string): ClientData {
  const checked = checkClient(parseWireJson(text))
  if ('client' in checked) return checked.client
  throw new AppError('input-invalid', 'the client’s data is not complete or not correct', {
    fields: checked.complaints,
  })
}

/** JSON text of the data, in the order of the document; integers keep all 64 bits. */
export function clientJson(client: ClientData, card?: CardUid): string {
  const body: Record<string, unknown> = {}
  for (const field of Object.keys(registrationRequest.shape)) {
    const value = field === 'tarjeta' ? card : client[field as keyof ClientData]
    if (value !== undefined) body[field] = value
  }
  return formatWireJson(body, integerFields)
}

export function toRegistration(client: ClientData, card: CardUid, readerId: string | null): NewRegistration {
  return {
    system: 'vlt-clients',
    subject: client.codigoClienteVLT,
    card,
    body: clientJson(client, card),
    readerId,
  }
}
