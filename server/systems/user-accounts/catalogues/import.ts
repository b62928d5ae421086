import { isDeepStrictEqual } from 'node:util'
import type { Audit } from '../../../audit/audit.ts'
import { lock } from '../../../database/locks.ts'
import type { Tx } from '../../../database/schema.ts'
import type { CatalogueName, Entry, RoleEntry } from './entry.ts'
import { type ListedRole, listEntries, listRoles, saveEntry, saveRole } from './store.ts'

/** Ids by what an import does to them. */
export interface Changes {
  added: number[]
  changed: number[]
  /** In the catalogue, but not in the file. */
  deactivated: number[]
  unchanged: number[]
  /** Roles that nobody may choose any more at registration. */
  closed: number[]
}

/**
 * Makes a catalogue what a file says, in the caller's transaction; `dryRun` only tells what that would change. Entries
 * that the file does not name become inactive and are never removed, because accounts may refer to them.
 */
export async function importEntries(
  tx: Tx,
  audit: Audit,
  file: { name: 'roles'; entries: RoleEntry[] } | { name: Exclude<CatalogueName, 'roles'>; entries: Entry[] },
  dryRun: boolean,
): Promise<Changes> {
  await lock(tx, ['catalogues'])
  const changes =
    file.name === 'roles'
      ? await importRoles(tx, file.entries, dryRun)
      : await importPlain(tx, file.name, file.entries, dryRun)
  const { added, changed, deactivated } = changes
  if (!dryRun && added.length + changed.length + deactivated.length > 0) {
    await audit.record(tx, {
      action: 'catalog-imported',
      actor: 'operator',
      subject: `catalog ${file.name}`,
      details: { added: added.length, changed: changed.length, deactivated: deactivated.length },
    })
  }
  return changes
}

async function importPlain(
  tx: Tx,
  name: Exclude<CatalogueName, 'roles'>,
  entries: Entry[],
  dryRun: boolean,
): Promise<Changes> {
  const { changes, save } = compare(await listEntries(tx, name), entries, (gone) => ({
    ...gone,
    active: false,
  }))
  if (!dryRun) for (const entry of save) await saveEntry(tx, name, entry)
  return changes
}

/** The list of roles open to everybody stays as it is, but for the default, which is on it, and those that may not be. */
async function importRoles(tx: Tx, entries: RoleEntry[], dryRun: boolean): Promise<Changes> {
  const before = await listRoles(tx)
  const open = new Set(before.filter(({ selfRegistration }) => selfRegistration).map(({ id }) => id))
  const wanted = entries.map((role) => ({
    ...role,
    selfRegistration: role.default || (open.has(role.id) && role.active && !role.privileged),
  }))
  const { changes, save } = compare<ListedRole>(before, wanted, (gone) => ({
    ...gone,
    active: false,
    default: false,
    selfRegistration: false,
  }))
  const closed = save.filter(({ id, selfRegistration }) => open.has(id) && !selfRegistration)
  if (!dryRun) {
    // The new default last: the database never takes two.
    const inOrder = save.toSorted((a, b) => Number(a.default) - Number(b.default))
    for (const role of inOrder) await saveRole(tx, role)
  }
  return { ...changes, closed: closed.map(({ id }) => id) }
}

function compare<T extends Entry>(
  before: T[],
  wanted: T[],
  gone: (entry: T) => T,
): { changes: Changes; save: T[] } {
  const known = new Map(before.map((entry) => [entry.id, entry]))
  const named = new Set(wanted.map(({ id }) => id))
  const save: T[] = []
  const changes: Changes = { added: [], changed: [], deactivated: [], unchanged: [], closed: [] }
  for (const entry of [...wanted, ...before.filter(({ id }) => !named.has(id)).map(gone)]) {
    const old = known.get(entry.id)
    const same = isDeepStrictEqual(old, entry)
    const kind =
      old === undefined ? 'added' : same ? 'unchanged' : named.has(entry.id) ? 'changed' : 'deactivated'
    changes[kind].push(entry.id)
    if (!same) save.push(entry)
  }
  return { changes, save }
}
