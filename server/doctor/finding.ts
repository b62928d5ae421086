import { AppError, nativeCode } from '../../shared/errors.ts'

export const states = ['ok', 'warn', 'fail'] as const

/** What one check found. Never a secret or anything of a person: people send these to whoever helps them. */
export interface Finding {
  check: string
  state: (typeof states)[number]
  detail: string
  /** What a person does about it; empty where there is nothing to do. */
  hint: string
}

export function ok(check: string, detail: string): Finding {
  return { check, state: 'ok', detail, hint: '' }
}

export function warn(check: string, detail: string, hint: string): Finding {
  return { check, state: 'warn', detail, hint }
}

export function fail(check: string, detail: string, hint: string): Finding {
  return { check, state: 'fail', detail, hint }
}

/** What `look` finds; where it throws, that is what was found. */
export async function examine(
  check: string,
  look: () => Finding | Finding[] | Promise<Finding | Finding[]>,
): Promise<Finding[]> {
  try {
    return [await look()].flat()
  } catch (error) {
    if (error instanceof AppError) return [fail(check, `${error.code}: ${error.message}`, error.hint)]
    const reason = nativeCode(error) ?? 'unexpected error'
    return [
      fail(check, `could not be checked (${reason})`, 'Follow the other hints first, then run this again.'),
    ]
  }
}
