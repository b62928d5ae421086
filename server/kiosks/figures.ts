import type { Clock } from '../../shared/clock.ts'
import type { Database } from '../database/database.ts'
import { allKiosks, type Kiosk, latestReports } from './store.ts'

export interface KioskFigures {
  states: Record<Kiosk['state'], number>
  /** Active, but not heard of for a while. */
  silent: number
  /** What active ones said last that they still hold. */
  pending: number
}

// An idle kiosk reports every five minutes.
export const silentAfterMs = 15 * 60_000

export function readKioskFigures(database: Database, clock: Clock): Promise<KioskFigures> {
  return database.query(async (db) => {
    const reports = await latestReports(db)
    const figures = { states: { pending: 0, active: 0, locked: 0, revoked: 0 }, silent: 0, pending: 0 }
    for (const kiosk of await allKiosks(db)) {
      figures.states[kiosk.state] += 1
      if (kiosk.state !== 'active') continue
      figures.pending += reports.get(kiosk.id)?.pending ?? 0
      if (isSilent(kiosk, clock)) figures.silent += 1
    }
    return figures
  })
}

export function isSilent({ last_seen_at: seenAt, joined_at: joinedAt }: Kiosk, clock: Clock): boolean {
  return Date.parse(clock.now()) - Date.parse(seenAt ?? joinedAt) > silentAfterMs
}
