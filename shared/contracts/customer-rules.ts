/** The rules for fields of customer-accounts.ts: what each value becomes, and the Spanish text where it cannot. */
import { z } from 'zod'
import { FloatLiteral } from '../wire-json.ts'
import { isoDay, reachableMailbox } from './forms.ts'

/** Longest texts in characters, longest list, and what numbers may be. */
export const limits = {
  name: 255,
  email: 254,
  document: 20,
  phone: 30,
  kind: 50,
  password: { min: 8, max: 128 },
  addresses: 20,
  /** Of one address: characters of its JSON text. */
  address: 2_000,
  id: Number.MAX_SAFE_INTEGER,
  district: { min: 10_101, max: 259_999 },
} as const

/** Objects and lists within each other. */
const maxAddressDepth = 8

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
  objects: 'El campo :field debe tener solo objetos de hasta :max caracteres.',
} as const

type RuleName = keyof typeof complaintTexts

interface Complaint {
  rule: RuleName
  min?: number
  max?: number
}
type Rule<T> = (value: unknown) => { value: T } | Complaint

/** Text that every database takes: no NUL, no half of a surrogate pair. Counted in characters, not in UTF-16 units. */
export function text(max: number, min = 1): Rule<string> {
  return (value) => {
    if (typeof value !== 'string') return { rule: 'text' }
    if (value.includes('\0') || !value.isWellFormed()) return { rule: 'characters' }
    const { length } = Array.from(value)
    if (length > max) return { rule: 'max', max }
    return length < min ? { rule: 'min', min } : { value }
  }
}

/** Text of one line, without the control characters that would break a mail or a log. */
export function line(max: number): Rule<string> {
  return refined(text(max), (value) => (/\p{Cc}/u.test(value) ? { rule: 'characters' } : { value }))
}

export function refined<A, B>(rule: Rule<A>, next: (value: A) => { value: B } | Complaint): Rule<B> {
  return (raw) => {
    const found = rule(raw)
    return 'rule' in found ? found : next(found.value)
  }
}

/** JSON knows no difference between 5 and 5.0. */
export function integer(min: number, max: number): Rule<number> {
  return (raw) => {
    const value = raw instanceof FloatLiteral ? raw.value : raw
    if (typeof value === 'bigint') return { rule: 'range', min, max }
    if (typeof value !== 'number' || !Number.isInteger(value)) return { rule: 'integer' }
    return value < min || value > max ? { rule: 'range', min, max } : { value }
  }
}

/** An address in the one form in which it is compared, stored and written to: case folded. */
export const email: Rule<string> = refined(text(limits.email), (value) => {
  const folded = value.normalize('NFC').toLowerCase()
  return reachableMailbox.test(folded) ? { value: folded } : { rule: 'email' }
})

/** Six digits; people copy them with the gap that mails show. */
export const code: Rule<string> = refined(text(limits.name), (value) => {
  const digits = value.replace(/\s/g, '')
  return /^\d{6}$/.test(digits) ? { value: digits } : { rule: 'code' }
})

export const document: Rule<string> = refined(line(limits.document), (value) =>
  /[\p{L}\p{N}]/u.test(value) ? { value } : { rule: 'document' },
)

export const date: Rule<string> = refined(text(limits.name), (value) =>
  /^(19|[2-9]\d)\d\d-\d\d-\d\d$/.test(value) && isoDay(value) !== undefined ? { value } : { rule: 'date' },
)

export const flag: Rule<number> = (raw) => {
  const found = integer(0, 1)(raw)
  return 'rule' in found ? { rule: 'flag' } : found
}

/** Any text; values the document names are brought to its spelling. */
export function openText(...known: string[]): Rule<string> {
  return refined(line(limits.kind), (value) => ({
    value: known.find((one) => bare(one) === bare(value)) ?? value,
  }))
}

/** Without accents and case. */
function bare(value: string): string {
  return value.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}

/** Objects of any fields, kept as they came: JSON text of the list. */
export const addresses: Rule<string> = (value) => {
  if (!Array.isArray(value)) return { rule: 'list' }
  if (value.length > limits.addresses) return { rule: 'items', max: limits.addresses }
  const texts = value.map((one) => (isStorable(one, maxAddressDepth) ? jsonText(one) : ''))
  if (texts.some((text) => !text.startsWith('{') || text.length > limits.address)) {
    return { rule: 'objects', max: limits.address }
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

export function required<T>(field: string, rule: Rule<T>, meta: Documented, clean = cleaned) {
  return z
    .unknown()
    .transform((raw, context): T => {
      const value = clean(raw)
      return settle(field, value === undefined ? { rule: 'required' } : rule(value), context)
    })
    .meta(meta)
}

/** Null counts as absent too; `absent` is what the wire would say instead. */
export function optional<T>(field: string, rule: Rule<T>, absent: unknown, meta: Documented) {
  return z
    .unknown()
    .transform((raw, context) => settle(field, rule(cleaned(raw) ?? absent), context))
    .prefault(absent)
    .meta(meta)
}

export function nullable<T>(rule: Rule<T>): Rule<T | null> {
  return (value) => (value === null ? { value } : rule(value))
}

function settle<T>(field: string, found: { value: T } | Complaint, context: z.RefinementCtx): T {
  if (!('rule' in found)) return found.value
  const { rule, min, max } = found
  context.addIssue({ code: 'custom', message: complaint(field, found), params: { rule, min, max } })
  return z.NEVER
}

export function complaint(field: string, { rule, min, max }: Complaint): string {
  return complaintTexts[rule]
    .replace(':field', field)
    .replace(':min', String(min))
    .replace(':max', String(max))
}
