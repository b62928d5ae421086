import type { Clock } from '../../shared/clock.ts'
import type { Database } from '../database/database.ts'
import { later } from './mailbox.ts'
import { countWaiting, forgetSent } from './store.ts'

const sentKeptMs = 30 * 24 * 60 * 60 * 1000

/** How mail delivery stands, over all instances on this database. */
export interface MailBacklog {
  /** Waiting to leave. */
  pending: number
  /** Given up; they wait for a person. */
  dead: number
  /** Since when the oldest pending mail has been queued; 0 where none is. */
  oldestPendingSeconds: number
}

/** For metrics and status: one short query. */
export async function readMailBacklog(database: Database, clock: Clock): Promise<MailBacklog> {
  const { oldestPendingAt, ...counts } = await database.query(countWaiting)
  const ageMs = oldestPendingAt === null ? 0 : Date.parse(clock.now()) - Date.parse(oldestPendingAt)
  return { ...counts, oldestPendingSeconds: Math.max(0, ageMs / 1000) }
}

/** Forgets mails that left more than 30 days ago and says how many. */
export function pruneMails(database: Database, clock: Clock): Promise<number> {
  return database.transact((tx) => forgetSent(tx, later(clock.now(), -sentKeptMs)))
}
