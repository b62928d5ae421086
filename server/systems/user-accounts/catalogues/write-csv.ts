import type { Entry, RoleEntry } from './entry.ts'

/** Entries as `readCsv` reads them back: what a person edits and imports again. */
export function writeCsv(entries: (Entry | RoleEntry)[]): string[] {
  const columns = [
    'id',
    'name',
    ...(entries.some((entry) => 'default' in entry) ? ['privileged', 'default'] : []),
  ]
  const cells = (entry: Partial<Record<string, unknown>>): string[] =>
    [...columns, 'active'].map((column) => quoted(String(entry[column])))
  return [[...columns, 'active'].join(','), ...entries.map((entry) => cells({ ...entry }).join(','))]
}

function quoted(text: string): string {
  return /[",;]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
