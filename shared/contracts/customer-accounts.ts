/**
 * Wire contract of POST /auth/clienteRegister, /auth/clienteValidarCodigoRegistro, /auth/clienteCrear and
 * /auth/loginCliente. Keys are those of the API document, which names no error texts: these are ours.
 */
import { z } from 'zod'
import { FloatLiteral } from '../wire-json.ts'

export const customerPaths = {
  register: '/auth/clienteRegister',
  verify: '/auth/clienteValidarCodigoRegistro',
  create: '/auth/clienteCrear',
  login: '/auth/loginCliente',
} as const

/** Carries the ticket: in the answer of `verify`, in the request of `create`. */
export const ticketHeader = 'x-registration-ticket'

/** Longest name, in characters; other texts have limits of their own. */
const maxNameLength = 255
const maxEmailLength = 254
const passwordLength = { min: 8, max: 128 } as const
const maxAddresses = 20
/** Of one address: characters of its JSON text, and objects or lists within each other. */
const maxAddressLength = 2_000
const maxAddressDepth = 8
/** Ids are 32-bit numbers in the databases that give them out. */
const maxId = 2_147_483_647
const districts = { min: 10_101, max: 259_999 } as const

/** `:field` stands for the field's name. An issue carries the key as `params.rule`. */
const complaintTexts = {
  required: 'El campo :field es obligatorio.',
  text: 'El campo :field debe ser un texto.',
  characters: 'El campo :field contiene caracteres no permitidos.',
  max: 'El campo :field no debe tener más de :max caracteres.',
  min: 'El campo :field debe tener al menos :min caracteres.',
  email: 'El campo :field debe ser una dirección de correo electrónico válida.',
  code: 'El campo :field debe tener 6 dígitos.',
  document: 'El campo :field debe contener letras o dígitos.',
  date: 'El campo :field debe ser una fecha válida con el formato AAAA-MM-DD.',
  past: 'El campo :field debe ser una fecha anterior a hoy.',
  integer: 'El campo :field debe ser un número entero.',
  range: 'El campo :field debe estar entre :min y :max.',
  flag: 'El campo :field debe ser 0 o 1.',
  list: 'El campo :field debe ser una lista.',
  items: 'El campo :field no debe tener más de :max elementos.',
  objects: 'Cada elemento del campo :field debe ser un objeto de hasta :max caracteres.',
} as const

export type CustomerRule = keyof typeof complaintTexts

interface Complaint {
  rule: CustomerRule
  min?: number
  max?: number
}
type Rule<T> = (value: unknown) => { value: T } | Complaint

/** Text that every database takes: no NUL, no half of a surrogate pair. Counted in characters, not in UTF-16 units. */
function text(max: number, min = 1): Rule<string> {
  return (value) => {
    if (typeof value !== 'string') return { rule: 'text' }
    if (value.includes('\0') || !value.isWellFormed()) return { rule: 'characters' }
    const { length } = Array.from(value)
    if (length > max) return { rule: 'max', max }
    return length < min ? { rule: 'min', min } : { value }
  }
}

/** Text of one line, without the control characters that would break a mail or a log. */
function line(max: number): Rule<string> {
  return refined(text(max), (value) => (/\p{Cc}/u.test(value) ? { rule: 'characters' } : { value }))
}

function refined<A, B>(rule: Rule<A>, next: (value: A) => { value: B } | Complaint): Rule<B> {
  return (raw) => {
    const found = rule(raw)
    return 'rule' in found ? found : next(found.value)
  }
}

function integer(min: number, max: number): Rule<number> {
  return (value) => {
    if (typeof value === 'bigint') return { rule: 'range', min, max }
    if (typeof value !== 'number' || !Number.isInteger(value)) return { rule: 'integer' }
    return value < min || value > max ? { rule: 'range', min, max } : { value }
  }
}

const emailForm = (() => {
  const atom = String.raw`[\p{L}\p{M}\p{N}!#$%&'*+/=?^_\x60{|}~-]+`
  const label = String.raw`[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?`
  return new RegExp(String.raw`^(?=.{1,64}@)${atom}(?:\.${atom})*@(?:${label}\.)+(?!\d+$)${label}$`, 'u')
})()

/** An address in the one form in which it is compared, stored and written to: case folded. */
const email: Rule<string> = refined(text(maxEmailLength), (value) => {
  const folded = value.normalize('NFC').toLowerCase()
  return emailForm.test(folded) ? { value: folded } : { rule: 'email' }
})

/** Six digits; people copy them with the gap that mails show. */
const code: Rule<string> = refined(text(maxNameLength), (value) => {
  const digits = value.replace(/\s/g, '')
  return /^\d{6}$/.test(digits) ? { value: digits } : { rule: 'code' }
})

const document: Rule<string> = refined(line(20), (value) =>
  /[\p{L}\p{N}]/u.test(value) ? { value } : { rule: 'document' },
)

const date: Rule<string> = refined(text(maxNameLength), (value) =>
  isDay(value) ? { value } : { rule: 'date' },
)

function isDay(value: string): boolean {
  if (!/^(19|[2-9]\d)\d\d-\d\d-\d\d$/.test(value)) return false
  const day = new Date(`${value}T00:00:00Z`)
  return !Number.isNaN(day.valueOf()) && day.toISOString().startsWith(value)
}

const flag: Rule<0 | 1> = (value) => (value === 0 || value === 1 ? { value } : { rule: 'flag' })

/** Any text; values the document names are brought to its spelling. */
function openText(...known: string[]): Rule<string> {
  return refined(line(50), (value) => ({ value: known.find((one) => bare(one) === bare(value)) ?? value }))
}

/** Without accents and case. */
function bare(value: string): string {
  return value.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}

/** Objects of any fields, kept as they came: JSON text of the list. */
const addresses: Rule<string> = (value) => {
  if (!Array.isArray(value)) return { rule: 'list' }
  if (value.length > maxAddresses) return { rule: 'items', max: maxAddresses }
  const texts = value.map((one) => (isStorable(one, maxAddressDepth) ? jsonText(one) : ''))
  if (texts.some((text) => !text.startsWith('{') || text.length > maxAddressLength)) {
    return { rule: 'objects', max: maxAddressLength }
  }
  return { value: `[${texts.join(',')}]` }
}

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

/** Whether a database takes every part of a value from `parseWireJson`. */
function isStorable(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed()
  if (typeof value === 'bigint') return value >= int64.min && value <= int64.max
  if (value instanceof FloatLiteral) return Number.isFinite(value.value)
  if (typeof value !== 'object' || value === null) return true
  return (
    depth > 0 &&
    Object.entries(value)
      .flat()
      .every((part) => isStorable(part, depth - 1))
  )
}

/** The numbers exactly as they came. */
function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part instanceof FloatLiteral) return part.value
    return typeof part === 'bigint' ? JSON.rawJSON(part.toString()) : part
  })
}

type Documented = { type: string | string[]; description: string } & Record<string, unknown>

/** Trimmed, and absent when nothing is left; a password is taken as it is. */
function cleaned(raw: unknown): unknown {
  if (typeof raw !== 'string') return raw ?? undefined
  const trimmed = raw.trim()
  return trimmed === '' ? undefined : trimmed
}

function required<T>(field: string, rule: Rule<T>, meta: Documented, clean = cleaned) {
  return z
    .unknown()
    .transform((raw, context): T => {
      const value = clean(raw)
      return settle(field, value === undefined ? { rule: 'required' } : rule(value), context)
    })
    .meta(meta)
}

/** Null counts as absent too; `absent` is what the wire would say instead. */
function optional<T>(field: string, rule: Rule<T>, absent: unknown, meta: Documented) {
  return z
    .unknown()
    .transform((raw, context) => settle(field, rule(cleaned(raw) ?? absent), context))
    .prefault(absent)
    .meta(meta)
}

function nullable<T>(rule: Rule<T>): Rule<T | null> {
  return (value) => (value === null ? { value } : rule(value))
}

function settle<T>(field: string, found: { value: T } | Complaint, context: z.RefinementCtx): T {
  if (!('rule' in found)) return found.value
  context.addIssue({ code: 'custom', message: complaint(field, found), params: { rule: found.rule } })
  return z.NEVER
}

function complaint(field: string, { rule, min, max }: Complaint): string {
  return complaintTexts[rule]
    .replace(':field', field)
    .replace(':min', String(min))
    .replace(':max', String(max))
}

/** What is wrong with a birth date that lies, seen from `today` (YYYY-MM-DD), not in the past; or undefined. */
export function birthComplaint(day: string, today: string): string | undefined {
  return day < today ? undefined : complaint('fecha_nacimiento', { rule: 'past' })
}

const nombres = required('nombres', line(maxNameLength), {
  type: 'string',
  maxLength: maxNameLength,
  description: 'Customer’s full name',
})

function emailField(description: string) {
  return required('email', email, { type: 'string', format: 'email', maxLength: maxEmailLength, description })
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

const id = { type: 'integer', minimum: 1, maximum: maxId } as const

function chargeField(field: string, description: string) {
  const meta = { type: ['integer', 'null'], minimum: 0, maximum: maxId, description }
  return optional(field, integer(0, maxId), 0, meta)
}

function whole(raw: unknown): unknown {
  return raw === '' ? undefined : (raw ?? undefined)
}

/**
 * Step 3. Field order is the document's. `id_distrito` comes out with six digits, `direcciones` as JSON text of the
 * list as it came. Whether the birth date is past is the server's to say: a kiosk's clock may be wrong.
 */
export const createRequest = z.object({
  numero_documento: required('numero_documento', document, {
    type: 'string',
    maxLength: 20,
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
    text(passwordLength.max, passwordLength.min),
    {
      type: 'string',
      minLength: passwordLength.min,
      maxLength: passwordLength.max,
      description: 'Customer’s account password',
    },
    whole,
  ),
  id_lista_precio: required('id_lista_precio', integer(1, maxId), {
    ...id,
    description: 'Price list/plan ID for the customer',
  }),
  id_distrito: required(
    'id_distrito',
    refined(integer(districts.min, districts.max), (value) => ({ value: String(value).padStart(6, '0') })),
    {
      type: 'integer',
      minimum: districts.min,
      maximum: districts.max,
      description: 'District ID where the customer is located: the ubigeo, without a leading zero',
    },
  ),
  celular: optional('celular', nullable(line(30)), null, {
    type: ['string', 'null'],
    maxLength: 30,
    description: 'Customer’s mobile phone number',
  }),
  tipo_cliente: required('tipo_cliente', openText('Natural', 'Jurídica'), {
    type: 'string',
    maxLength: 50,
    description: 'Customer type (e.g., “Natural”, “Jurídica”)',
  }),
  tipo_pago: required('tipo_pago', openText('Contado', 'Crédito'), {
    type: 'string',
    maxLength: 50,
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
  id_tipo_detraccion: optional('id_tipo_detraccion', nullable(integer(1, maxId)), null, {
    ...id,
    type: ['integer', 'null'],
    description: 'Tax withholding type ID (optional)',
  }),
  direcciones: optional('direcciones', addresses, [], {
    type: ['array', 'null'],
    maxItems: maxAddresses,
    items: { type: 'object' },
    description: `Array of customer addresses (can be empty initially), each an object of up to ${String(maxAddressLength)} characters`,
  }),
})

export type CustomerProfile = z.output<typeof createRequest>

export const loginRequest = z.object({
  email: emailField('Customer’s email address'),
  password: required(
    'password',
    text(passwordLength.max),
    { type: 'string', maxLength: passwordLength.max, description: 'Customer’s account password' },
    whole,
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
