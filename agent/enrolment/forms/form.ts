import type { z } from 'zod'
import type { FieldComplaint } from '../../../shared/errors.ts'

/** How a person answers a field: a yes or no, or text that is not shown, or a number that travels as one. */
export type FieldKind = 'text' | 'number' | 'flag' | 'digit-flag' | 'secret' | 'file-only'

export interface FormField {
  name: string
  kind: FieldKind
  /** Whether Enter is an answer. */
  required: boolean
  /** What Enter stands for. */
  preset?: string
  /** Asked only where this holds for the answers so far. */
  onlyIf?: (answers: Record<string, unknown>) => boolean
}

/** One wrong field; `rule` lets the caller say it in the reader's language, `message` is the contract's own text. */
export interface Complaint extends FieldComplaint {
  rule: string
  min?: number
  max?: number
}

/** What is asked for and what is accepted, by the rules of the contract. */
export interface Form<T> {
  fields: readonly FormField[]
  check(input: Record<string, unknown>): { value: T } | { complaints: Complaint[] }
}

/** What a contract complains of, as its issues carry it in `params`. */
export function complaintsOf(error: z.ZodError | undefined): Complaint[] {
  return (error?.issues ?? []).map((issue) => {
    const { rule, min, max, n } = (issue as { params?: Record<string, unknown> }).params ?? {}
    return {
      field: String(issue.path[0]),
      message: issue.message,
      rule: typeof rule === 'string' ? rule : 'format',
      ...numbers({ min: min ?? n, max: max ?? n }),
    }
  })
}

/** Stricter than any server: a field that the document does not know is most likely a misspelt one. */
export function unknownFields(input: Record<string, unknown>, known: readonly string[]): Complaint[] {
  return Object.keys(input)
    .filter((field) => !known.includes(field))
    .map((field) => ({ field, message: `The ${field} field is not known.`, rule: 'unknown' }))
}

function numbers(given: Record<string, unknown>): Pick<Complaint, 'min' | 'max'> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => typeof value === 'number'))
}
