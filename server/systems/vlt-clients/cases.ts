import type { Clock } from '../../../shared/clock.ts'
import { AppError } from '../../../shared/errors.ts'
import type { Core } from '../../core.ts'
import { lock } from '../../database/locks.ts'
import { findCase, listCases, settleCase, type StoredCase } from './store.ts'

/** What staff does about registrations that point at different people. */
export interface CaseDesk {
  /** In the order they were opened. */
  list(which: 'open' | 'all'): Promise<StoredCase[]>
  /** For good: a registration that conflicts again opens a new case. Throws `case-unknown` or `case-closed`. */
  close(id: number): Promise<void>
}

export function createCaseDesk(
  { database, audit }: Pick<Core, 'database' | 'audit'>,
  clock: Clock,
): CaseDesk {
  return {
    list: (which) => database.query((db) => listCases(db, which)),
    close: (id) =>
      database.transact(async (tx) => {
        await lock(tx, [`staff-case ${String(id)}`])
        const found = await findCase(tx, id)
        if (found === undefined) throw new AppError('case-unknown', `there is no case ${String(id)}`)
        if (found.closed_at !== null) {
          throw new AppError('case-closed', `case ${String(id)} was closed at ${found.closed_at}`)
        }
        await settleCase(tx, id, clock.now())
        await audit.record(tx, {
          action: 'case-closed',
          actor: 'operator',
          subject: `staff-case ${String(id)}`,
        })
      }),
  }
}
