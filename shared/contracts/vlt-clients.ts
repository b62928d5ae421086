/**
 * Wire contract of POST /api/clientes/register. Keys and texts are those of the API document; the rules for what
 * counts as an integer, a boolean, an absent value and the error texts are Laravel's (Validation/Concerns), with
 * raw field names.
 */
import { z } from 'zod'
import { parseCardUid } from '../card-uid.ts'
import { FloatLiteral } from '../wire-json.ts'
import { isoDay } from './forms.ts'

export const registrationPath = '/api/clientes/register'

/** Longest text where the document names no limit, in characters. */
export const maxTextLength = 255

/** Laravel's texts, `:field` standing for the field's name. An issue carries the key as `params.rule`. */
const complaintTexts = {
  required: 'The :field field is required.',
  integer: 'The :field field must be an integer.',
  string: 'The :field field must be a string.',
  boolean: 'The :field field must be true or false.',
  email: 'The :field field must be a valid email address.',
  date: 'The :field field must be a valid date.',
  format: 'The :field field format is invalid.',
  max: 'The :field field must not be greater than :max characters.',
} as const

export type RuleName = keyof typeof complaintTexts

interface Complaint {
  rule: RuleName
  max?: number
}
interface Verdict {
  value?: unknown
  /** In the order of Laravel's rules. */
  complaints: Complaint[]
}
type Rule = (value: unknown) => Verdict

const ok = (value: unknown): Verdict => ({ value, complaints: [] })
const wrong = (...complaints: Complaint[]): Verdict => ({ complaints })

/** Laravel's TrimStrings and ConvertEmptyStringsToNull: what is left of a value before any rule sees it. */
function cleaned(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const trimmed = value.trim()
  return trimmed === '' ? undefined : trimmed
}

function isAbsent(value: unknown): boolean {
  if (value === undefined || value === null) return true
  // An empty JSON object is an empty array in PHP, and `required` refuses both.
  return typeof value === 'object' && !(value instanceof FloatLiteral) && Object.keys(value).length === 0
}

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }
// From here on PHP writes a float with an exponent, and FILTER_VALIDATE_INT refuses it.
const maxPlainFloat = 1e15

/** PHP's FILTER_VALIDATE_INT. The value is canonical decimal text, since 64 bits do not fit a number. */
const integer: Rule = (value) => {
  const found = asInteger(value)
  return found !== undefined && found >= int64.min && found <= int64.max
    ? ok(found.toString())
    : wrong({ rule: 'integer' })
}

function asInteger(value: unknown): bigint | undefined {
  if (value === true) return 1n
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  if (value instanceof FloatLiteral) {
    return Number.isInteger(value.value) && Math.abs(value.value) < maxPlainFloat
      ? BigInt(value.value)
      : undefined
  }
  if (typeof value === 'string' && /^[+-]?(0|[1-9]\d*)$/.test(value) && value.length <= 20)
    return BigInt(value)
  return undefined
}

const boolean: Rule = (value) => {
  if (value === true || value === 1 || value === '1') return ok(true)
  if (value === false || value === 0 || value === '0') return ok(false)
  return wrong({ rule: 'boolean' })
}

/** Text that every database takes: no NUL, no half of a surrogate pair. */
function text(maxLength: number, alsoMust?: { rule: RuleName; match: (value: string) => boolean }): Rule {
  return (value) => {
    if (typeof value !== 'string') {
      const complaints: Complaint[] = [{ rule: 'string' }]
      if (alsoMust !== undefined && !(isNumeric(value) && alsoMust.match(numericText(value)))) {
        complaints.push({ rule: alsoMust.rule })
      }
      return wrong(...complaints)
    }
    const complaints: Complaint[] = []
    if (value.includes('\0') || !value.isWellFormed()) complaints.push({ rule: 'format' })
    else if (alsoMust !== undefined && !alsoMust.match(value)) complaints.push({ rule: alsoMust.rule })
    // Laravel counts characters, not UTF-16 units, of which there are never fewer.
    if (value.length > maxLength && Array.from(value).length > maxLength) {
      complaints.push({ rule: 'max', max: maxLength })
    }
    return complaints.length === 0 ? ok(value) : wrong(...complaints)
  }
}

// Laravel's regex rule looks at numbers too, as text.
function isNumeric(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

function numericText(value: number | bigint): string {
  return value.toString()
}

const email = text(maxTextLength, {
  rule: 'email',
  match: isEmail,
})

const card = text(maxTextLength, {
  rule: 'format',
  match: (value) => 'uid' in parseCardUid(value),
})

const date: Rule = (value) =>
  typeof value === 'string' && isoDay(value) !== undefined ? ok(value) : wrong({ rule: 'date' })

const atom = String.raw`[^\s"(),:;<>@[\\\]\p{Cc}.]+`
const dotAtom = new RegExp(String.raw`^${atom}(\.${atom})*$`, 'u')
const quoted = /^"([^"\\\p{Cc}]|\\[ -~])+"$/u
const label = String.raw`[\p{L}\p{N}]([\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?`
const host = new RegExp(String.raw`^${label}(\.${label})*$`, 'u')
const literal = /^\[[0-9A-Fa-f:.]+\]$/

/** RFC 5321 mailbox, looser than most: `a@b` passes. No control characters, no spaces outside quotes. */
function isEmail(value: string): boolean {
  const at = value.lastIndexOf('@')
  const local = value.slice(0, at)
  const domain = value.slice(at + 1)
  if (at < 1 || local.length > 64 || domain.length > 253) return false
  return (dotAtom.test(local) || quoted.test(local)) && (host.test(domain) || literal.test(domain))
}

type Documented = {
  type: 'integer' | 'string' | 'boolean'
  description: string
  maxLength?: number
  format?: string
}

function required<T>(field: string, rule: Rule, meta: Documented) {
  return z
    .unknown()
    .transform((raw, context) => {
      const value = cleaned(raw)
      const verdict = isAbsent(value) ? wrong({ rule: 'required' }) : rule(value)
      return settle(field, raw, verdict, context) as T
    })
    .meta(meta)
}

function optional<T>(field: string, rule: Rule, meta: Documented) {
  return z
    .unknown()
    .transform((raw, context) => {
      const value = cleaned(raw)
      const verdict = value === undefined || value === null ? ok(undefined) : rule(value)
      return settle(field, raw, verdict, context) as T | undefined
    })
    .optional()
    .meta(meta)
}

function settle(field: string, raw: unknown, verdict: Verdict, context: z.RefinementCtx): unknown {
  for (const { rule, max } of verdict.complaints) {
    const message = complaintTexts[rule].replace(':field', field).replace(':max', String(max))
    context.addIssue({ code: 'custom', input: raw, message, params: { rule, max } })
  }
  return verdict.complaints.length === 0 ? verdict.value : z.NEVER
}

/**
 * The request body. Field order is the order of the errors. Integers come out as canonical decimal text, texts
 * trimmed, absent and blank optional fields as undefined.
 */
export const registrationRequest = z.object({
  codigoClienteVLT: required<string>('codigoClienteVLT', integer, {
    type: 'integer',
    description: 'Internal unique client identifier in the VLT system',
  }),
  correo: required<string>('correo', email, {
    type: 'string',
    format: 'email',
    maxLength: maxTextLength,
    description: 'Client’s email address',
  }),
  tarjeta: required<string>('tarjeta', card, {
    type: 'string',
    description:
      'Physical UID of the RFID card: 4 to 10 bytes of hex; spaces, colons and hyphens are ignored',
  }),
  enviarWhatsApp: required<boolean>('enviarWhatsApp', boolean, {
    type: 'boolean',
    description: 'Consent to receive WhatsApp communications',
  }),
  enviarCorreo: required<boolean>('enviarCorreo', boolean, {
    type: 'boolean',
    description: 'Consent to receive email communications',
  }),
  enviarSms: required<boolean>('enviarSms', boolean, {
    type: 'boolean',
    description: 'Consent to receive SMS communications',
  }),
  tipoDocumento: optional<string>('tipoDocumento', integer, {
    type: 'integer',
    description: 'Document type identifier',
  }),
  dni: optional<string>('dni', text(20), {
    type: 'string',
    maxLength: 20,
    description: 'National document number',
  }),
  nombre: optional<string>('nombre', text(maxTextLength), {
    type: 'string',
    maxLength: maxTextLength,
    description: 'Client’s first name(s)',
  }),
  apellidoPaterno: optional<string>('apellidoPaterno', text(maxTextLength), {
    type: 'string',
    maxLength: maxTextLength,
    description: 'Father’s last name',
  }),
  apellidoMaterno: optional<string>('apellidoMaterno', text(maxTextLength), {
    type: 'string',
    maxLength: maxTextLength,
    description: 'Mother’s last name',
  }),
  fechaNacimiento: optional<string>('fechaNacimiento', date, {
    type: 'string',
    description: 'Birth date (YYYY-MM-DDTHH:mm:ss.sssZ)',
  }),
  direccion: optional<string>('direccion', text(maxTextLength), {
    type: 'string',
    maxLength: maxTextLength,
    description: 'Residential address',
  }),
  telefono: optional<string>('telefono', text(maxTextLength), {
    type: 'string',
    maxLength: maxTextLength,
    description: 'Contact phone number',
  }),
  ubigeo: optional<string>('ubigeo', text(maxTextLength), {
    type: 'string',
    maxLength: maxTextLength,
    description: 'Geographic location code',
  }),
  sexo: optional<string>('sexo', integer, { type: 'integer', description: 'Gender identifier' }),
})

export type Registration = z.output<typeof registrationRequest>
export type RegistrationField = keyof Registration

export const outcomeMessages = {
  created: 'cliente nuevo',
  'card-added': 'tarjeta agregada al cliente existente',
  duplicate: 'registro duplicado',
} as const

/** The answer body of all three outcomes. */
export const registrationAnswer = z.object({
  id: z.int().meta({ description: 'Identifier of the registered client' }),
  tarjeta: z.string().meta({ description: 'The card identifier sent in the request' }),
  // A text for people: a reader of the answer goes by the status and esDuplicado.
  mensaje: z.string().meta({ description: Object.values(outcomeMessages).join(', ') }),
  esDuplicado: z.boolean().meta({ description: 'true when the card had already been registered' }),
})

export type RegistrationAnswer = z.output<typeof registrationAnswer>
