import { AppError } from '../shared/errors.ts'
import type { ReaderDriver, ReaderOptions } from './reader.ts'
import { driverNames, isDriverName, loadDriver } from './registry.ts'

/** One configured reader: what a `--reader` says, checked. */
export interface ReaderSpec {
  /** `<driver>:<path>`: names the reader in taps, logs and `status`. Two specs with the same id are one device. */
  id: string
  driver: ReaderDriver
  options: ReaderOptions
}

/**
 * Reads `<driver>:<path>[?option=value&…]`. The path may hold colons; values are percent-decoded.
 *
 * Throws `reader-spec-invalid`, naming what is wrong and what is valid.
 */
export async function readReaderSpec(text: string): Promise<ReaderSpec> {
  const [, name, path, query] = /^([^:]*):([^?]*)(?:\?(.*))?$/s.exec(text) ?? []
  if (name === undefined || path === undefined) throw invalid(text, 'it is not <driver>:<path>')
  if (!isDriverName(name)) {
    throw invalid(text, `'${name}' is no driver; the drivers are ${driverNames.join(', ')}`)
  }
  if (path === '') throw invalid(text, 'the path after the colon is missing')

  const given = readQuery(text, query)
  const driver = await loadDriver(name)
  const parsed = driver.options.safeParse({ ...given, path })
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path: [option], message }) =>
      option === undefined ? message : `${String(option)}: ${message}`,
    )
    throw invalid(text, wrong.join('; '))
  }
  return { id: `${name}:${path}`, driver, options: parsed.data }
}

function readQuery(text: string, query: string | undefined): Record<string, string> {
  const given = new Map<string, string>()
  for (const pair of (query ?? '').split('&')) {
    if (pair === '') continue
    const [, option, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? []
    if (option === undefined || value === undefined) throw invalid(text, `'${pair}' is not option=value`)
    if (option === 'path') throw invalid(text, 'the path is written before the question mark')
    if (given.has(option)) throw invalid(text, `${option} is given twice`)
    given.set(option, decode(text, option, value))
  }
  return Object.fromEntries(given)
}

function decode(text: string, option: string, value: string): string {
  try {
    return decodeURIComponent(value)
  } catch (cause) {
    throw new AppError('reader-spec-invalid', `reader '${text}': ${option} is not percent-encoded text`, {
      cause,
    })
  }
}

function invalid(text: string, why: string): AppError {
  return new AppError('reader-spec-invalid', `reader '${text}': ${why}`)
}
