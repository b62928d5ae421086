/**
 * Wire contract of POST /api/digital/crear/registro.php. Keys and texts are those of the API document.
 *
 * A body of the wrong shape (a field of another type, too long, with NUL or half a surrogate pair) is told before
 * fields that are missing; an unknown document type is told last, after the credentials have been checked.
 */
import { z } from 'zod'
import { FloatLiteral } from '../wire-json.ts'

export const registrationPath = '/api/digital/crear/registro.php'

/** The document's table tipo_documento. */
export const documentTypes = {
  1: 'Cédula de ciudadanía',
  2: 'Tarjeta de identidad',
  3: 'Registro Civil',
  4: 'Cédula de extranjería',
  5: 'Doc. definido por la DIAN',
  6: 'NIT',
  7: 'P.E.P.',
  8: 'Pasaporte',
  9: 'Visa',
} as const

export type DocumentType = keyof typeof documentTypes

/** Longest texts, in characters; the document names none. */
export const maxLengths = { Username: 64, Password: 256, Dni: 64, Nombres: 255 } as const

/** `:field` stands for the field's name. An issue carries the key as `params.rule`. */
const complaintTexts = {
  format: 'Formato de solicitud incorrecto.',
  required: "El campo ':field' es obligatorio.",
} as const

type RuleName = keyof typeof complaintTexts

/** What a field becomes, or the rule it breaks. */
type Verdict<T> = { value: T } | { broken: RuleName }

/** Outer spaces do not count, nor do blank texts; only a password is kept as it was written. */
function text(max: number, { verbatim = false, match = /./u } = {}) {
  return (raw: unknown): Verdict<string> => {
    if (raw === undefined || raw === null) return { broken: 'required' }
    if (typeof raw !== 'string' || raw.includes('\0') || !raw.isWellFormed()) return { broken: 'format' }
    const trimmed = raw.trim()
    if (trimmed === '') return { broken: 'required' }
    const value = verbatim ? raw : trimmed
    return Array.from(value).length <= max && match.test(value) ? { value } : { broken: 'format' }
  }
}

/** An integer or its digit as text; undefined for a type that the table does not have. */
function documentType(raw: unknown): Verdict<DocumentType | undefined> {
  const isNumber = typeof raw === 'number' || typeof raw === 'bigint' || raw instanceof FloatLiteral
  const found = isNumber ? { value: raw } : text(Infinity)(raw)
  if ('broken' in found) return found
  const ids = Object.keys(documentTypes).map(Number) as DocumentType[]
  return { value: ids.find((id) => id === found.value || String(id) === found.value) }
}

type Documented = {
  description: string
  type: 'string' | 'integer'
  maxLength?: number
}

function field<T>(name: string, rule: (raw: unknown) => Verdict<T>, meta: Documented) {
  return z
    .unknown()
    .transform((raw, context): T => {
      const verdict = rule(raw)
      if ('value' in verdict) return verdict.value
      const { broken } = verdict
      const message = complaintTexts[broken].replace(':field', name)
      context.addIssue({ code: 'custom', input: raw, message, params: { rule: broken } })
      return z.NEVER
    })
    .meta(meta)
}

const letterOrDigit = /[\p{L}\p{N}]/u

/** The request body; keys are case-sensitive, others are ignored. */
export const registrationRequest = z.object({
  Username: field('Username', text(maxLengths.Username), {
    type: 'string',
    maxLength: maxLengths.Username,
    description: 'Document number of the API user',
  }),
  Password: field('Password', text(maxLengths.Password, { verbatim: true }), {
    type: 'string',
    maxLength: maxLengths.Password,
    description: 'Password of the API user',
  }),
  Dni: field('Dni', text(maxLengths.Dni, { match: letterOrDigit }), {
    type: 'string',
    maxLength: maxLengths.Dni,
    description: 'Document number of the citizen to validate',
  }),
  TipoDni: field('TipoDni', documentType, {
    type: 'integer',
    description: `Document type: ${Object.entries(documentTypes)
      .map(([id, name]) => `${id} ${name}`)
      .join(', ')}`,
  }),
  Nombres: field('Nombres', text(maxLengths.Nombres), {
    type: 'string',
    maxLength: maxLengths.Nombres,
    description: 'Full name of the citizen',
  }),
})

export type RegistrationRequest = z.output<typeof registrationRequest>

/** The one complaint that the API tells: a wrong shape first, then missing fields in the document's order. */
export function complaintOf(error: z.ZodError): string {
  const { issues } = error
  const told = issues.find(({ message }) => message === complaintTexts.format) ?? issues[0]
  return told?.message ?? complaintTexts.format
}

/** What a body that is no JSON object is told. */
export const formatComplaint = complaintTexts.format

/** Form of the code; the address that comes with it lets the person go on. */
export const codePattern = /^[A-Z0-9]{13}$/

export const registrationAnswer = z.object({
  status: z.literal(200),
  message: z.literal('Registro generado exitosamente'),
  data: z.object({
    Codigo: z.string().regex(codePattern).meta({ description: 'Unique code of the registration' }),
    Url: z.url().meta({ description: 'Where the person goes on' }),
    Fecha: z
      .string()
      .regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
      .meta({ description: 'When it was registered: YYYY-MM-DD HH:mm:ss in America/Bogota' }),
  }),
})

export type RegistrationAnswer = z.output<typeof registrationAnswer>
