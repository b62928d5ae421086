import type { Transact, Tx } from './schema.ts'

const waiting = new WeakMap<Tx, (() => void)[]>()

/**
 * Runs `then` once the transaction is on disk, and not when it is undone. For signals within this process that
 * something may be there to do: a work that is undone while others share its commit runs its `then` with theirs.
 */
export function afterCommit(tx: Tx, then: () => void): void {
  waiting.set(tx, [...(waiting.get(tx) ?? []), then])
}

/** `transact` with a hearing for `afterCommit`. */
export function tellCommits(transact: Transact): Transact {
  return async (work) => {
    let committed: Tx | undefined
    const value = await transact((tx) => {
      committed = tx
      return work(tx)
    })
    if (committed !== undefined) {
      const told = waiting.get(committed) ?? []
      waiting.delete(committed)
      for (const then of told) then()
    }
    return value
  }
}
