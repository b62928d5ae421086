import { randomInt } from 'node:crypto'

/** Crockford's: without letters that look like digits. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** Of five bits each: beyond guessing within a code's life, and short enough to be typed. */
const letters = 12

/** A new code, such as `7K2Q-9FMX-4TBA`. */
export function newJoinCode(): string {
  const code = Array.from({ length: letters }, () => alphabet[randomInt(alphabet.length)]).join('')
  return code.replace(/(.{4})(?!$)/g, '$1-')
}

/** A code as a person typed it, in its one spelling. */
export function canonicalCode(typed: string): string {
  return typed.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1')
}
