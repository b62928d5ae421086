/**
 * Wire contract of POST /api/register. Keys and the Spanish texts are those of the API document; the English ones
 * follow its two samples ("Invalid email format", "Password must be at least 6 characters").
 *
 * Types are those of JSON: a number in a text is no integer, 5.0 is one. Texts are trimmed, but the password is not;
 * null and blank optional fields count as absent. The licence fields count only beside `poseeLicencia: true`.
 */
import { z } from 'zod'
import { FloatLiteral } from '../wire-json.ts'
import { isoDay, reachableMailbox } from './forms.ts'

export const registrationPath = '/api/register'

/** Longest text where the document names no limit, in characters; of an e-mail address, RFC 5321's path. */
const maxTextLength = 255
const maxEmailLength = 254

/** In characters, however many bytes or keys each one takes. */
const passwordLength = { min: 6, max: 128 } as const

/** What PostgreSQL and most programs call an integer. */
const int32 = { min: -(2 ** 31), max: 2 ** 31 - 1 } as const

/** `:label` stands for the name of a field, `:n` for a number. An issue carries the key as `params.rule`. */
const complaintTexts = {
  required: ':label is required',
  string: ':label must be a string',
  characters: ':label contains invalid characters',
  max: ':label must be at most :n characters',
  min: ':label must be at least :n characters',
  integer: ':label must be an integer',
  natural: ':label must be an integer >= 0',
  year: ':label must be a year of four digits',
  boolean: ':label must be a boolean',
  email: 'Invalid email format',
  date: ':label must be an ISO 8601 date',
} as const

export type RuleName = keyof typeof complaintTexts

/** A catalogue has no such department: told among the other complaints, though only the server can know. */
export const unknownDepartment = 'Department does not exist'

/** Told alone, once every field is right: the type before the number. */
export const licenceTexts = {
  type: 'Tipo de licencia invalido',
  number: 'El numero de licencia es obligatorio',
} as const

interface Broken {
  broken: RuleName
  n?: number
}
/** What a field becomes, or the rule it breaks. */
type Verdict<T> = { value: T } | Broken
type Rule<T> = (value: unknown) => Verdict<T>

/** Any text that every database takes and that is one line: no control characters, no half of a surrogate pair. */
function text(unwanted = /\p{Cc}/u): Rule<string> {
  return (value) => {
    if (typeof value !== 'string') return { broken: 'string' }
    if (!value.isWellFormed() || unwanted.test(value)) return { broken: 'characters' }
    return lengthOf(value) > maxTextLength ? { broken: 'max', n: maxTextLength } : { value }
  }
}

// Two logins that look the same must not be two: no invisible characters.
const login = text(/\p{C}/u)

const password: Rule<string> = (value) => {
  if (typeof value !== 'string') return { broken: 'string' }
  if (!value.isWellFormed() || value.includes('\0')) return { broken: 'characters' }
  const length = lengthOf(value)
  if (length < passwordLength.min) return { broken: 'min', n: passwordLength.min }
  return length > passwordLength.max ? { broken: 'max', n: passwordLength.max } : { value }
}

const email: Rule<string> = (value) =>
  typeof value === 'string' && value.length <= maxEmailLength && reachableMailbox.test(value)
    ? { value }
    : { broken: 'email' }

function wholeNumber(broken: RuleName, { min, max }: { min: number; max: number }): Rule<number> {
  return (raw) => {
    const value = raw instanceof FloatLiteral ? raw.value : raw
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) return { broken }
    // Minus zero is zero.
    return { value: value === 0 ? 0 : value }
  }
}
const integer = wholeNumber('integer', int32)
const natural = wholeNumber('natural', { ...int32, min: 0 })
const positive = wholeNumber('integer', { ...int32, min: 1 })
const year = wholeNumber('year', { min: 1000, max: 9999 })

const boolean: Rule<boolean> = (value) => (typeof value === 'boolean' ? { value } : { broken: 'boolean' })

const day: Rule<string> = (raw) => {
  const value = typeof raw === 'string' ? isoDay(raw) : undefined
  return value === undefined ? { broken: 'date' } : { value }
}

/** What is no type counts as none: both deserve the same complaint. */
const licenceType: Rule<number | undefined> = (value) => {
  const verdict = positive(value)
  return 'value' in verdict ? verdict : { value: undefined }
}

function lengthOf(value: string): number {
  return Array.from(value).length
}

type Documented = {
  description: string
  type: 'integer' | 'string' | 'boolean'
  minLength?: number
  maxLength?: number
  minimum?: number
  format?: string
}

function required<T>(label: string, rule: Rule<T>, meta: Documented, clean = trimmed) {
  return z
    .unknown()
    .transform((raw, context) => {
      const value = clean(raw)
      return settle(label, raw, value === undefined ? { broken: 'required' } : rule(value), context)
    })
    .meta(meta)
}

function optional<T>(label: string, rule: Rule<T>, meta: Documented) {
  return z
    .unknown()
    .transform((raw, context): T | undefined => {
      const value = trimmed(raw)
      return value === undefined ? undefined : settle(label, raw, rule(value), context)
    })
    .optional()
    .meta(meta)
}

/** Forms send empty texts for what was left out. */
function trimmed(raw: unknown): unknown {
  const value = typeof raw === 'string' ? raw.trim() : verbatim(raw)
  return value === '' ? undefined : value
}

function verbatim(raw: unknown): unknown {
  return raw ?? undefined
}

function settle<T>(label: string, raw: unknown, verdict: Verdict<T>, context: z.RefinementCtx): T {
  if ('value' in verdict) return verdict.value
  const { broken, n } = verdict
  const message = complaintTexts[broken].replace(':label', label).replace(':n', String(n))
  context.addIssue({ code: 'custom', input: raw, message, params: { rule: broken, n } })
  return z.NEVER
}

const string = { type: 'string', maxLength: maxTextLength } as const
const number = { type: 'integer' } as const

/** The request body. Field order is the order of the complaints, one for each field. Dates come out as `YYYY-MM-DD`. */
export const registrationRequest = z.object({
  usuarioLogin: required('Username', login, { ...string, description: 'Unique username for the account' }),
  usuarioCorreo: required('Email', email, {
    type: 'string',
    format: 'email',
    maxLength: maxEmailLength,
    description: 'Valid email address, unique',
  }),
  usuarioPassword: required(
    'Password',
    password,
    {
      type: 'string',
      minLength: passwordLength.min,
      maxLength: passwordLength.max,
      description: 'User password',
    },
    verbatim,
  ),
  usuarioNombre: required('First name', text(), { ...string, description: 'User’s first name' }),
  usuarioApellido: required('Last name', text(), { ...string, description: 'User’s last name' }),
  departamentoId: required('Department', integer, {
    ...number,
    description: 'Department ID the user belongs to, from the catalog',
  }),
  usuarioFechaNacimiento: optional('Birth date', day, {
    type: 'string',
    description: 'User’s date of birth in ISO 8601 format (2000-01-15T00:00:00Z)',
  }),
  usuarioCelular: optional('Mobile phone', text(), { ...string, description: 'User’s mobile phone number' }),
  usuarioDpi: optional('DPI', text(), { ...string, description: 'User’s identification document number' }),
  usuarioTipoDocumento: optional('Document type', integer, { ...number, description: 'Document type ID' }),
  usuarioNit: optional('NIT', text(), { ...string, description: 'User’s tax identification number' }),
  usuarioRolId: optional('Role', natural, {
    ...number,
    minimum: 0,
    description: 'Role ID asked for; one that is not open to everybody waits for approval',
  }),
  poseeLicencia: optional('License flag', boolean, {
    type: 'boolean',
    description: 'Whether the user has a license; only then do the license fields count',
  }),
  licenciaTipo: optional('License type', licenceType, {
    ...number,
    minimum: 1,
    description: 'License type ID, from the catalog; required if poseeLicencia is true',
  }),
  licenciaNumero: optional('License number', text(), {
    ...string,
    description: 'License number; required if poseeLicencia is true',
  }),
  licenciaPrimerAnio: optional('License first year', year, {
    ...number,
    description: 'Year the license was first issued',
  }),
  licenciaFechaVencimiento: optional('License expiration date', day, {
    type: 'string',
    description: 'License expiration date in ISO 8601 format (2025-12-31)',
  }),
})

export type Registration = z.output<typeof registrationRequest>
export type RegistrationField = keyof Registration

export const registrationFields = Object.keys(registrationRequest.shape) as RegistrationField[]

const licenceFields = registrationFields.filter((field) => field.startsWith('licencia'))

/** Checks a body as both ends do: without `poseeLicencia: true`, whatever stands in the licence fields is ignored. */
export function parseRegistration(body: Record<string, unknown>) {
  if (body['poseeLicencia'] === true) return registrationRequest.safeParse(body)
  const ignored = Object.fromEntries(licenceFields.map((field) => [field, undefined]))
  return registrationRequest.safeParse({ ...body, ...ignored })
}

const user = z.object({
  usuario_id: z.int(),
  usuario_login: z.string(),
  usuario_correo: z.string(),
  usuario_nombre: z.string(),
  usuario_apellido: z.string(),
  departamento_id: z.int(),
  usuario_celular: z.string().nullable().meta({ description: 'null when none was given' }),
  profile: z.null().meta({ description: 'Always null so far' }),
})

/** What an account shows of itself, in the order of the document. */
export type User = z.output<typeof user>

/** The answer body of a registration. */
export const registrationAnswer = z.object({
  token: z.string().meta({ description: 'JWT, valid for 8 hours' }),
  user: user.meta({ description: 'The created user’s public profile data' }),
})

export type RegistrationAnswer = z.output<typeof registrationAnswer>

/** The account that a token stands for: beyond the document, so that whoever takes tokens can check one. */
export const mePath = '/v1/me'
export const meAnswer = z.object({ user })
