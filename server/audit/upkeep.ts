import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { Database } from '../database/database.ts'
import type { Audit } from './audit.ts'
import { formatLink } from './chain.ts'
import { findEnds } from './store.ts'

const flushEveryMs = 60_000

/** Writes what was tallied each minute, until aborted. The last minute is written when the core is disposed. */
export async function flushTallies(audit: Audit, signal: AbortSignal, clock: Clock, log: Log): Promise<void> {
  for (;;) {
    await clock.sleep(flushEveryMs, signal)
    if (signal.aborted) return
    try {
      await audit.flush()
    } catch (error) {
      log.error({ err: error }, 'audit events could not be written; they are kept')
    }
  }
}

/** Puts the end of the trail into the log, out of reach of whoever changes the database. Answers 0. */
export async function tellEnd(database: Database, log: Log): Promise<number> {
  const { end } = await database.query(findEnds)
  log.info({ end: formatLink(end) }, 'the audit trail ends here; `vlt-server audit verify --noted` checks it')
  return 0
}
