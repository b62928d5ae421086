/**
 * Wire contract of POST /auth/clienteRegister, /auth/clienteValidarCodigoRegistro, /auth/clienteCrear and
 * /auth/loginCliente. Keys are those of the API document, which names no error texts: these are ours.
 */
import { z } from 'zod'
import {
  addresses,
  code,
  complaint,
  date,
  document,
  email,
  flag,
  integer,
  limits,
  line,
  nullable,
  openText,
  optional,
  refined,
  required,
  text,
} from './customer-rules.ts'

export const customerPaths = {
  register: '/auth/clienteRegister',
  verify: '/auth/clienteValidarCodigoRegistro',
  create: '/auth/clienteCrear',
  login: '/auth/loginCliente',
} as const

/** Carries the ticket: in the answer of `verify`, in the request of `create`. */
export const ticketHeader = 'x-registration-ticket'

/** What is wrong with a birth date that lies, seen from `today` (YYYY-MM-DD), not in the past; or undefined. */
export function birthComplaint(day: string, today: string): string | undefined {
  return day < today ? undefined : complaint('fecha_nacimiento', { rule: 'past' })
}

const nombres = required('nombres', line(limits.name), {
  type: 'string',
  maxLength: limits.name,
  description: 'Customer’s full name',
})

function emailField(description: string) {
  return required('email', email, { type: 'string', format: 'email', maxLength: limits.email, description })
}

/** Step 1. The address comes out in the form in which addresses are compared. */
export const registerRequest = z.object({
  nombres,
  email: emailField('Customer’s email address. A verification code will be sent to this email.'),
})

/** Step 2. */
export const verifyRequest = z.object({
  email: emailField('Customer’s email address that was registered'),
  codigo: required('codigo', code, {
    type: 'string',
    pattern: '^[0-9]{6}$',
    description: 'Verification code sent to the customer’s email',
  }),
})

const id = { type: 'integer', minimum: 1, maximum: limits.id } as const

function chargeField(field: string, description: string) {
  const meta = { type: ['integer', 'null'], minimum: 0, maximum: limits.id, description }
  return optional(field, integer(0, limits.id), 0, meta)
}

/** A password is taken with its spaces. */
function untrimmed(raw: unknown): unknown {
  return raw === '' ? undefined : (raw ?? undefined)
}

/**
 * Step 3. Field order is the document's. `id_distrito` comes out with six digits, `direcciones` as JSON text of the
 * list as it came. Whether the birth date is past is the server's to say: a kiosk's clock may be wrong.
 */
export const createRequest = z.object({
  numero_documento: required('numero_documento', document, {
    type: 'string',
    maxLength: limits.document,
    description: 'Customer’s national ID or document number',
  }),
  nombres,
  fecha_nacimiento: required('fecha_nacimiento', date, {
    type: 'string',
    format: 'date',
    description: 'Customer’s date of birth (format: YYYY-MM-DD), a day in the past',
  }),
  email: emailField('Customer’s verified email address'),
  password: required(
    'password',
    text(limits.password.max, limits.password.min),
    {
      type: 'string',
      minLength: limits.password.min,
      maxLength: limits.password.max,
      description: 'Customer’s account password',
    },
    untrimmed,
  ),
  id_lista_precio: required('id_lista_precio', integer(1, limits.id), {
    ...id,
    description: 'Price list/plan ID for the customer',
  }),
  id_distrito: required(
    'id_distrito',
    refined(integer(limits.district.min, limits.district.max), (value) => ({
      value: String(value).padStart(6, '0'),
    })),
    {
      type: 'integer',
      minimum: limits.district.min,
      maximum: limits.district.max,
      description: 'District ID where the customer is located: the ubigeo, without a leading zero',
    },
  ),
  celular: optional('celular', nullable(line(limits.phone)), null, {
    type: ['string', 'null'],
    maxLength: limits.phone,
    description: 'Customer’s mobile phone number',
  }),
  tipo_cliente: required('tipo_cliente', openText('Natural', 'Jurídica'), {
    type: 'string',
    maxLength: limits.kind,
    description: 'Customer type (e.g., “Natural”, “Jurídica”)',
  }),
  tipo_pago: required('tipo_pago', openText('Contado', 'Crédito'), {
    type: 'string',
    maxLength: limits.kind,
    description: 'Payment type (e.g., “Contado”, “Crédito”)',
  }),
  incluye_igv: required('incluye_igv', flag, {
    type: 'integer',
    enum: [0, 1],
    description: 'Whether prices include IGV/tax (1 = yes, 0 = no)',
  }),
  extra_domicilio_a_domicilio: chargeField(
    'extra_domicilio_a_domicilio',
    'Extra charge for door-to-door delivery',
  ),
  extra_domicilio_a_agencia: chargeField(
    'extra_domicilio_a_agencia',
    'Extra charge for door-to-agency delivery',
  ),
  extra_agencia_a_domicilio: chargeField(
    'extra_agencia_a_domicilio',
    'Extra charge for agency-to-door delivery',
  ),
  id_tipo_detraccion: optional('id_tipo_detraccion', nullable(integer(1, limits.id)), null, {
    ...id,
    type: ['integer', 'null'],
    description: 'Tax withholding type ID (optional)',
  }),
  direcciones: optional('direcciones', addresses, [], {
    type: ['array', 'null'],
    maxItems: limits.addresses,
    items: { type: 'object' },
    description: `Array of customer addresses (can be empty initially), each an object of up to ${String(limits.address)} characters`,
  }),
})

export type CustomerProfile = z.output<typeof createRequest>

export const loginRequest = z.object({
  email: emailField('Customer’s email address'),
  password: required(
    'password',
    text(limits.password.max),
    { type: 'string', maxLength: limits.password.max, description: 'Customer’s account password' },
    untrimmed,
  ),
})

export const successMessages = {
  register: 'Código de verificación enviado al correo electrónico',
  verify: 'Cuenta verificada exitosamente',
  create: 'Cliente creado exitosamente',
  login: 'Inicio de sesión exitoso',
} as const

const message = z.string().meta({ description: 'A text for people' })
const success = z.literal(200).meta({ description: 'The HTTP status, once more' })
const customer = {
  id: z.int().meta({ description: 'Identifier of the customer' }),
  nombres: z.string(),
  email: z.string().meta({ description: 'The address, case folded' }),
}

/** Answer body of steps 1 and 2. */
export const plainAnswer = z.object({ message, status: success })
export const createAnswer = z.object({ message, status: success, data: z.object(customer) })
export const loginAnswer = z.object({
  message,
  status: success,
  data: z.object({ ...customer, token: z.string().meta({ description: 'A JWT, valid for 8 hours' }) }),
})

const errorStatus = z.int().min(400).max(599).meta({ description: 'The HTTP status, once more' })
/** Every error that is not about fields. */
export const errorAnswer = z.object({ message, status: errorStatus })
/** Errors about fields: 400 for wrong ones, 409 for those another customer has. */
export const fieldErrorAnswer = z.object({
  message,
  status: errorStatus,
  errors: z.record(z.string(), z.array(z.string())).meta({ description: 'Complaints by field' }),
})

export type CustomerAnswer = z.output<typeof createAnswer>['data']
export type LoginAnswer = z.output<typeof loginAnswer>['data']
