import { AppError } from '../../shared/errors.ts'
import type { Database } from '../database/database.ts'
import type { Hits, HitStore } from './limit-rate.ts'
import { countHits, forgetWindows } from './store.ts'

interface Arrival {
  resolve: (hits: Hits) => void
  reject: (error: unknown) => void
}

// Per key: whoever would wait longer is told to come back.
const maxWaiting = 1_000

/**
 * Hit counts that all instances on one PostgreSQL share, in windows by its clock.
 *
 * Statements on one key would only wait for each other's row. So a key has one statement under way at a time, and the
 * hits that arrive meanwhile travel together with the next: a flood from one address costs no more than a trickle.
 */
export function sharedHits(database: Database): HitStore {
  /** Who waits, for each key with a statement under way. */
  const lines = new Map<string, Arrival[]>()

  const serve = async (key: string, windowMs: number, line: Arrival[]): Promise<void> => {
    while (line.length > 0) {
      const group = line.splice(0)
      try {
        const { count, resetsInMs } = await database.query((db) => countHits(db, key, group.length, windowMs))
        // The last of the group has the whole count, those before it one less each.
        for (const [place, { resolve }] of group.entries()) {
          resolve({ count: count - (group.length - 1 - place), resetsInMs })
        }
      } catch (error) {
        // Those behind would only wait for the same failure.
        for (const { reject } of [...group, ...line.splice(0)]) reject(error)
      }
    }
    lines.delete(key)
  }

  return {
    hit: (key, windowMs) =>
      new Promise((resolve, reject) => {
        const line = lines.get(key)
        if (line === undefined) {
          const begun = [{ resolve, reject }]
          lines.set(key, begun)
          void serve(key, windowMs, begun)
        } else if (line.length < maxWaiting) line.push({ resolve, reject })
        else reject(new AppError('database-unavailable', 'more requests wait to be counted than can be'))
      }),
    prune: () => database.query(forgetWindows),
  }
}
