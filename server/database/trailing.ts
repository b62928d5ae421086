import type { CompiledQuery } from 'kysely'
import type { Tx } from './schema.ts'

const trailing = new WeakMap<Tx, CompiledQuery[]>()

/**
 * Leaves a statement for the end of the work, in the order they are left: on PostgreSQL it travels together with the
 * commit and costs no round trip of its own. For what the work needs no answer to; where it fails, the work has failed.
 */
export function trail(tx: Tx, query: CompiledQuery): void {
  const queries = trailing.get(tx)
  if (queries === undefined) trailing.set(tx, [query])
  else queries.push(query)
}

/** What the work has left, once. */
export function takeTrailing(tx: Tx): CompiledQuery[] {
  const queries = trailing.get(tx) ?? []
  trailing.delete(tx)
  return queries
}
