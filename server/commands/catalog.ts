import { readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import type { Command } from 'commander'
import { AppError, nativeCode } from '../../shared/errors.ts'
import type { Core } from '../core.ts'
import type { Surroundings } from '../serve.ts'
import { type CatalogueName, catalogueNames, type Entry } from '../systems/user-accounts/catalogues/entry.ts'
import { type Changes, importEntries } from '../systems/user-accounts/catalogues/import.ts'
import { readCsv } from '../systems/user-accounts/catalogues/read-csv.ts'
import { type ListedRole, listEntries, listRoles } from '../systems/user-accounts/catalogues/store.ts'
import { writeCsv } from '../systems/user-accounts/catalogues/write-csv.ts'
import { onCore } from './on-core.ts'
import { table } from './table.ts'

const kinds = catalogueNames.join(', ')

/** `vlt-server catalog …` */
export function addCatalog(program: Command, surroundings: Surroundings): void {
  const { print, stdin } = surroundings
  const catalog = program
    .command('catalog')
    .description('the lists that user accounts refer to: departments, roles, licence types')

  const list = catalog
    .command('list')
    .description('list one catalogue, or all of them')
    .argument('[catalogue]', kinds)
    .option('--json', 'print JSON: a list of entries, or an object of lists')
    .option('--csv', 'print CSV as `catalog import` takes it; needs a catalogue')
  onCore(list, surroundings, async (core, { json, csv }, [operand]) => {
    const names = operand === undefined ? catalogueNames : [nameOf(operand)]
    if (csv === true && (operand === undefined || json === true)) {
      throw new AppError('usage', '--csv needs a catalogue, and no --json beside it')
    }
    const found = new Map<CatalogueName, (Entry | ListedRole)[]>()
    for (const name of names) found.set(name, await entriesOf(core, name))
    const [first = []] = found.values()
    if (csv === true) for (const line of writeCsv(first)) print(line)
    else if (json === true) {
      print(JSON.stringify(operand === undefined ? Object.fromEntries(found) : first, null, 2))
    } else for (const [name, entries] of found) for (const line of shown(name, entries)) print(line)
  })

  const take = catalog
    .command('import')
    .description(
      'make a catalogue what a CSV file says: all of it or, where a line is wrong, nothing; what the file leaves ' +
        'out becomes inactive',
    )
    .argument('<catalogue>', kinds)
    .argument(
      '<file>',
      'UTF-8 with a header: id, name, for roles also privileged, default; - for standard input',
    )
    .option('--dry-run', 'tell what it would change, and change nothing')
    .option('--json', 'print {added, changed, deactivated, unchanged, closed}, each a list of ids')
  onCore(take, surroundings, async ({ database, audit }, flags, [operand = '', path = '']) => {
    const name = nameOf(operand)
    const bytes = path === '-' ? await buffer(stdin) : readBytes(path)
    const file =
      name === 'roles' ? { name, entries: readCsv(name, bytes) } : { name, entries: readCsv(name, bytes) }
    const dryRun = flags['dryRun'] === true
    const changes = await database.transact((tx) => importEntries(tx, audit, file, dryRun))
    if (flags['json'] === true) print(JSON.stringify(changes))
    else for (const line of told(name, changes, dryRun)) print(line)
  })
}

function entriesOf({ database }: Core, name: CatalogueName): Promise<(Entry | ListedRole)[]> {
  return database.query<(Entry | ListedRole)[]>((db) =>
    name === 'roles' ? listRoles(db) : listEntries(db, name),
  )
}

function nameOf(text: string): CatalogueName {
  const name = catalogueNames.find((known) => known === text)
  if (name === undefined) throw new AppError('usage', `"${text}" is no catalogue: give one of ${kinds}`)
  return name
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const message = `cannot read ${path} (${nativeCode(cause) ?? 'unknown error'})`
    throw new AppError('catalog-unreadable', message, { cause })
  }
}

/** A catalogue for people. */
export function shown(name: CatalogueName, entries: (Entry | ListedRole)[]): string[] {
  return table(
    ['ID', name.toUpperCase(), 'STATE'],
    entries.map((entry) => [entry.id, entry.name, stateOf(entry)]),
  )
}

function stateOf(entry: Entry | ListedRole): string {
  const states = [entry.active ? 'active' : 'inactive']
  if ('selfRegistration' in entry) {
    if (entry.privileged) states.push('privileged')
    if (entry.selfRegistration) states.push('self-registration')
    if (entry.default) states.push('default')
  }
  return states.join(', ')
}

function told(name: CatalogueName, changes: Changes, dryRun: boolean): string[] {
  const counts = (['added', 'changed', 'deactivated', 'unchanged'] as const)
    .map((kind) => `${String(changes[kind].length)} ${kind}`)
    .join(', ')
  const closed = `nobody can choose role ${changes.closed.join(', ')} at registration any more`
  return [
    `${name}: ${counts}${dryRun ? ' (dry run: nothing was changed)' : ''}`,
    ...(changes.closed.length > 0 ? [closed] : []),
  ]
}
