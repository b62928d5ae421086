import { CsvError, parse } from 'csv-parse/sync'
import { AppError } from '../../../../shared/errors.ts'
import type { CatalogueName, Entry, RoleEntry } from './entry.ts'

const maxId = 2 ** 31 - 1
const maxNameLength = 100

const roleColumns = ['privileged', 'default']

/** As people and spreadsheets write it, also Spanish ones. */
const yes = ['true', 'yes', '1', 'si', 'sí', 'verdadero']
const no = ['false', 'no', '0', 'falso']

/**
 * The entries in a CSV file: a header with `id` and `name`, for roles also `privileged` and `default`, and where wanted
 * `active` (else everything is); columns in any order, separated by commas or semicolons; UTF-8, with or without a
 * byte order mark.
 *
 * Throws `catalog-unreadable` for bytes that are not UTF-8, else `catalog-invalid` with every wrong line.
 */
export function readCsv(name: 'roles', bytes: Buffer): RoleEntry[]
export function readCsv(name: CatalogueName, bytes: Buffer): Entry[]
export function readCsv(name: CatalogueName, bytes: Buffer): (Entry | RoleEntry)[] {
  const complaints: string[] = []
  const complain = (line: number, rule: string): void => {
    complaints.push(`line ${String(line)}: ${rule}`)
  }
  const [header, ...lines] = records(textOf(bytes))
  const columns = header?.cells.map((cell) => cell.toLowerCase()) ?? []
  const required = ['id', 'name', ...(name === 'roles' ? roleColumns : [])]
  const missing = required.filter((column) => !columns.includes(column))
  const unknown = columns.filter((column) => ![...required, 'active'].includes(column))
  const twice = columns.filter((column, place) => columns.indexOf(column) !== place)
  if (missing.length > 0) complain(1, `the header lacks ${missing.join(', ')}`)
  if (unknown.length > 0) complain(1, `the header has unknown columns: ${unknown.join(', ')}`)
  if (twice.length > 0) complain(1, `the header has columns twice: ${twice.join(', ')}`)
  refuse(complaints)

  const lineOf = new Map<number, number>()
  const entries = lines.map(({ line, cells }) => {
    const cell = (column: string): string => cells[columns.indexOf(column)] ?? ''
    const truth = (column: string): boolean => {
      const value = cell(column).toLowerCase()
      if (![...yes, ...no].includes(value)) complain(line, `${column} must be true or false`)
      return yes.includes(value)
    }
    if (cells.length !== columns.length) {
      complain(line, `has ${String(cells.length)} values, the header ${String(columns.length)}`)
      return { id: 0, name: '', active: true }
    }
    const id = Number(cell('id'))
    if (!/^\d{1,10}$/.test(cell('id')) || id < 1 || id > maxId) {
      complain(line, `id must be a whole number from 1 to ${String(maxId)}`)
    } else if (lineOf.has(id)) complain(line, `id ${String(id)} stands in line ${String(lineOf.get(id))} too`)
    else lineOf.set(id, line)
    if (
      cell('name') === '' ||
      /\p{Cc}/u.test(cell('name')) ||
      Array.from(cell('name')).length > maxNameLength
    ) {
      complain(line, `name must be 1 to ${String(maxNameLength)} characters on one line`)
    }
    const active = columns.includes('active') ? truth('active') : true
    const entry = { id, name: cell('name'), active }
    if (name !== 'roles') return entry
    const role = { ...entry, privileged: truth('privileged'), default: truth('default') }
    if (role.default && role.privileged) complain(line, 'the default role must not be privileged')
    if (role.default && !role.active) complain(line, 'the default role must be active')
    return role
  })
  refuse(complaints)

  if (!entries.some(({ active }) => active)) complaints.push('no line has an active entry')
  const defaults = entries.filter((entry) => 'default' in entry && entry.default).length
  if (name === 'roles' && defaults !== 1) {
    complaints.push(`exactly one role must be the default, not ${String(defaults)}`)
  }
  refuse(complaints)
  return entries
}

function refuse(complaints: string[]): void {
  if (complaints.length > 0)
    throw new AppError('catalog-invalid', `the file is wrong:\n  ${complaints.join('\n  ')}`)
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new AppError('catalog-unreadable', 'the file is not UTF-8', { cause })
  }
}

/** Blank lines are left out; `line` is where a record ends. */
function records(text: string): { line: number; cells: string[] }[] {
  // Spreadsheets in Spanish separate by semicolons.
  const delimiter = /^[^\r\n]*;/.test(text) ? ';' : ','
  try {
    const parsed = parse(text, {
      delimiter,
      info: true,
      trim: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
    }) as unknown as { info: { lines: number }; record: string[] }[]
    return parsed.map(({ info, record }) => ({ line: info.lines, cells: record }))
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    const line = 'lines' in cause ? ` ${String(cause.lines)}` : ''
    throw new AppError('catalog-invalid', `the file is wrong:\n  line${line}: ${rule(cause)}`, { cause })
  }
}

function rule({ code }: CsvError): string {
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'a quote opened here or before is not closed'
  return 'quotes must enclose a whole value, and be doubled within it'
}
