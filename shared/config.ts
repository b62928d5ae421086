import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { AppError, type FieldComplaint } from './errors.ts'

export interface ConfigSources {
  /** What the command line said; undefined entries count as not given. */
  flags: Record<string, unknown>
  env: Record<string, string | undefined>
  /** Start of the environment names, for example `VLT_AGENT_`: `serverUrl` is read from `VLT_AGENT_SERVER_URL`. */
  envPrefix: string
  /** JSON file whose keys are those of the schema. */
  file?: string | undefined
  /** Settings that hold a secret: `databaseUrl` may also come from the file that `databaseUrlFile` names. */
  secrets?: string[]
}

/**
 * Defaults < file < environment < flags, parsed once and frozen. A list (a repeatable flag) is given in the
 * environment as comma-separated text.
 *
 * Throws `config-invalid`, naming every wrong setting with its value, rule and source.
 */
export function loadConfig<T extends z.ZodObject>(schema: T, sources: ConfigSources): Readonly<z.output<T>> {
  const { secrets = [] } = sources
  const keys = [...Object.keys(schema.shape), ...secrets.map(fileKey)]
  const merged: Record<string, unknown> = {}
  const origin: Record<string, string> = {}
  const complaints: FieldComplaint[] = []

  const take = (key: string, value: unknown, source: string): void => {
    merged[key] = value
    origin[key] = source
  }
  if (sources.file !== undefined) {
    for (const [key, value] of Object.entries(readConfigFile(sources.file))) {
      if (keys.includes(key)) take(key, value, sources.file)
      else complaints.push({ field: key, message: `is no setting (in ${sources.file})` })
    }
  }
  for (const key of keys) {
    const name = environmentName(sources.envPrefix, key)
    const value = sources.env[name]
    if (value !== undefined && value !== '') take(key, value, name)
    const flag = sources.flags[key]
    if (flag !== undefined) take(key, flag, flagName(key))
  }

  for (const key of secrets) {
    const path = merged[fileKey(key)]
    if (typeof path !== 'string') continue
    if (merged[key] === undefined) take(key, readSecret(path, flagName(fileKey(key))), path)
    else
      complaints.push({ field: flagName(fileKey(key)), message: `and ${flagName(key)} exclude each other` })
  }

  const parsed = schema.safeParse(merged)
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const key = String(issue.path[0] ?? '')
      const source = origin[key]
      const value = secrets.includes(key) ? '…' : JSON.stringify(withoutPassword(merged[key]))
      complaints.push({
        field: flagName(key),
        message: source === undefined ? issue.message : `${issue.message} (${value}, from ${source})`,
      })
    }
  }
  if (!parsed.success || complaints.length > 0) {
    const list = complaints.map(({ field, message }) => `  ${field}: ${message}`).join('\n')
    throw new AppError('config-invalid', `wrong settings:\n${list}`, { fields: complaints })
  }
  return Object.freeze(parsed.data)
}

function fileKey(key: string): string {
  return `${key}File`
}

function readSecret(path: string, flag: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (cause) {
    throw new AppError('config-invalid', `${flag}: cannot read ${path}`, { cause })
  }
}

/** An address may carry a password, which an error text must not repeat. */
function withoutPassword(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/\/\/[^/@]*@/g, '//…@') : value
}

/**
 * A number setting: environment, flags and specs are text, files may hold numbers; both must be plain decimal digits,
 * so that `0x10`, `1e3` or ` 5` are typing errors.
 */
export function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${String(min)} to ${String(max)}`
  return z
    .union(
      [
        z.number(),
        z
          .string()
          .regex(/^\d{1,15}$/, error)
          .transform(Number),
      ],
      { error },
    )
    .pipe(z.int(error).min(min, error).max(max, error))
}

/** `serverUrl` -> `VLT_AGENT_SERVER_URL`. */
export function environmentName(prefix: string, key: string): string {
  return prefix + key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
}

/** `serverUrl` -> `--server-url`. */
function flagName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

function readConfigFile(path: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new AppError('config-invalid', `cannot read the settings file ${path}`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AppError('config-invalid', `the settings file ${path} does not hold one JSON object`)
  }
  return value as Record<string, unknown>
}
