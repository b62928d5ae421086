import { AppError } from '../../shared/errors.ts'

// Of the id columns.
const maxId = 2 ** 31 - 1

/** An id as a person types it. Throws `usage`; `seen` is the command that shows ids. */
export function readRowId(text: string | undefined, seen: string): number {
  const id = Number(text)
  if (text === undefined || !/^[1-9]\d{0,9}$/.test(text) || id > maxId) {
    throw new AppError('usage', `"${text ?? ''}" is no id: give a number that \`${seen}\` shows`)
  }
  return id
}
