import type { Database } from '../database/database.ts'
import type { Hits, HitStore } from './limit-rate.ts'
import { countHits, forgetWindows } from './store.ts'

/**
 * Hit counts that all instances on one PostgreSQL share, in windows by its clock. Hits that arrive together on one
 * key travel as one statement, so a flood from one address costs no more than a trickle.
 */
export function sharedHits(database: Database): HitStore & { prune(): Promise<number> } {
  const arriving = new Map<string, { count: number; counted: Promise<Hits> }>()

  return {
    async hit(key, windowMs) {
      let group = arriving.get(key)
      if (group === undefined) {
        const opened: { count: number; counted: Promise<Hits> } = {
          count: 0,
          counted: Promise.resolve().then(() => {
            arriving.delete(key)
            return database.query((db) => countHits(db, key, opened.count, windowMs))
          }),
        }
        group = opened
        arriving.set(key, group)
      }
      group.count += 1
      const place = group.count
      const { count, resetsInMs } = await group.counted
      // The last of the group has the whole count, those before it one less each.
      return { count: count - (group.count - place), resetsInMs }
    },
    prune: () => database.query(forgetWindows),
  }
}
