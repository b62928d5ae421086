import { AppError, nativeCode } from '../../shared/errors.ts'

export const levels = ['ok', 'warn', 'fail'] as const

/** What one check found. Never a secret or anything of a person: people send these to whoever helps them. */
export interface Finding {
  /** Stable: scripts look for it. */
  id: string
  level: (typeof levels)[number]
  detail: string
  /** What a person does about it; empty where there is nothing to do. */
  hint: string
}

export function ok(id: string, detail: string): Finding {
  return { id, level: 'ok', detail, hint: '' }
}

export function warn(id: string, detail: string, hint: string): Finding {
  return { id, level: 'warn', detail, hint }
}

export function fail(id: string, detail: string, hint: string): Finding {
  return { id, level: 'fail', detail, hint }
}

/** What `look` finds; where it throws, that is what was found. */
export function examine(id: string, look: () => Finding): Finding {
  try {
    return look()
  } catch (error) {
    if (error instanceof AppError) return fail(id, `${error.code}: ${error.message}`, error.hint)
    const reason = nativeCode(error) ?? 'unexpected error'
    return fail(id, `could not be checked (${reason})`, 'Follow the other hints first, then run this again.')
  }
}
