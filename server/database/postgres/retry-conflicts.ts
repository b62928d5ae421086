import type { Db, Transact } from '../schema.ts'
import { isPassing } from './faults.ts'

const maxTries = 5

/** Each work in a transaction of its own, done again when PostgreSQL had to end it for another's sake. */
export function retryConflicts(db: Db): Transact {
  return async (work) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await db.transaction().execute(work)
      } catch (error) {
        if (!isPassing(error) || tries === maxTries) throw error
      }
    }
  }
}
