import { AppError } from '../../shared/errors.ts'
import type { ReaderState } from '../codecs/pcscd.ts'

/** The path of a spec that means the only reader there is. */
export const anyReader = 'auto'

/**
 * The one reader that `path` names: by its whole name, else by the start of it, else, for `auto`, as the only one.
 * Slots for security modules (ACR1252U: "… SAM 01 00") are found by their name alone: no card is ever tapped there.
 *
 * Throws `reader-not-found` when none fits, or more than one.
 */
export function findReader(readers: readonly ReaderState[], path: string): ReaderState {
  const fitting = path === anyReader ? readers.filter(isForCards) : byName(readers, path)
  const [reader, ...others] = fitting
  if (reader === undefined) {
    const which = path === anyReader ? 'no reader' : 'no reader whose name starts so'
    throw new AppError('reader-not-found', `pcscd has ${which}`)
  }
  if (others.length > 0) {
    throw new AppError(
      'reader-not-found',
      `${String(fitting.length)} readers of pcscd fit: write the whole name`,
    )
  }
  return reader
}

/** "… 00 00" is the start of no other name, but "Reader 00 0" is of two: a whole name goes first. */
function byName(readers: readonly ReaderState[], path: string): readonly ReaderState[] {
  const named = readers.filter(({ name }) => name === path)
  return named.length > 0 ? named : readers.filter(({ name }) => name.startsWith(path))
}

export function isForCards({ name }: ReaderState): boolean {
  return !/\bSAM\b/.test(name)
}
