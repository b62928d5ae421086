import { readReaderSpec, type ReaderSpec } from '../devices/spec.ts'
import { AppError } from '../shared/errors.ts'

/** Throws `reader-spec-invalid`. */
export async function readSpecs(texts: readonly string[]): Promise<ReaderSpec[]> {
  const specs = await Promise.all(texts.map(readReaderSpec))
  const twice = specs.find((spec, index) => specs.findIndex(({ id }) => id === spec.id) !== index)
  if (twice !== undefined) throw new AppError('reader-spec-invalid', `reader ${twice.id} is given twice`)
  return specs
}

/** Are 125 kHz cards the only ones here? Readers that are configured wrongly say nothing about cards. */
export async function readsOnlyLf(texts: readonly string[]): Promise<boolean> {
  try {
    const specs = await readSpecs(texts)
    return specs.length > 0 && specs.every(({ options }) => options.profile.cards === 'lf')
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return false
  }
}
