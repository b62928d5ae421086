import type { z } from 'zod'
import { AppError } from '../../shared/errors.ts'
import { parseWireJson } from '../../shared/wire-json.ts'

/** The parameters of a call, checked. Throws `usage`. */
export function take<T>(schema: z.ZodType<T>, params: unknown): T {
  const parsed = schema.safeParse(params)
  if (!parsed.success)
    throw new AppError('usage', 'the call does not fit its method', { cause: parsed.error })
  return parsed.data
}

/** JSON text as an object, an empty one where it holds something else; integers keep all 64 bits. */
export function asObject(text: string): Record<string, unknown> {
  const value = parseWireJson(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
