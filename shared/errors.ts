import { agentErrors } from './error-tables/agent.ts'
import { deliveryErrors } from './error-tables/delivery.ts'
import { kioskErrors } from './error-tables/kiosk.ts'
import { programErrors } from './error-tables/program.ts'
import { readerErrors } from './error-tables/reader.ts'
import { serverErrors } from './error-tables/server.ts'
import type { Retry } from './error-tables/table.ts'

export const errorTable = {
  ...programErrors,
  ...agentErrors,
  ...readerErrors,
  ...deliveryErrors,
  ...kioskErrors,
  ...serverErrors,
}

/** Stable name of a failure: what scripts, logs and `last_error` columns hold. */
export type ErrorCode = keyof typeof errorTable

export interface FieldComplaint {
  field: string
  message: string
}

interface AppErrorOptions {
  cause?: unknown
  fields?: FieldComplaint[]
}

/** Something outside the program failed. `message` says what, `hint` what a person does next. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  /** Every wrong field, where the failure is about fields. */
  readonly fields: FieldComplaint[]

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.fields = options.fields ?? []
  }

  get retry(): Retry {
    return errorTable[this.code].retry
  }

  get hint(): string {
    return errorTable[this.code].hint
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorTable, value)
}

/** The `code` that Node, SQLite and their like put on their errors, or undefined. */
export function nativeCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' ? code : undefined
}
