import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Database } from '../database/database.ts'
import { lock } from '../database/locks.ts'
import type { AuditEventRow } from '../database/rows/platform.ts'
import type { Tx } from '../database/schema.ts'
import { together } from '../database/together.ts'
import type { Vault } from '../security/vault.ts'
import { chainOf, isProven, type Link, proven } from './chain.ts'
import { appendEvents, eventsAfter, findEnds, lastSeq, removeEventsThrough, setEnd } from './store.ts'
import { createTally, type Tallied } from './tally.ts'

/** What staff and security people ask about later. Never personal data: ids, codes and counts alone. */
export interface AuditEvent extends Tallied {
  details?: Record<string, string | number | boolean>
}

export interface Audit {
  /** Appends to the chain in the caller's transaction, as its last step: it locks the end of the chain. */
  record(tx: Tx, event: AuditEvent): Promise<void>
  /**
   * For what strangers can cause at will, such as wrong passwords: counted in memory and written by `flush` as one
   * event per action, actor and subject, so that an attack cannot fill the disk.
   */
  tally(event: Tallied): void
  /** Writes what was tallied, with `count` and the time of the first one. What cannot be written is kept. */
  flush(): Promise<void>
  /**
   * Removes the oldest events, past 400 days or a million, and says how many. Throws `audit-broken`, and removes
   * nothing more, at rows that do not hold: they are evidence.
   */
  prune(): Promise<number>
}

export interface AuditBounds {
  rows: number
  days: number
}

const dayMs = 24 * 60 * 60 * 1000
const pruneBatch = 5_000

export function createAudit(
  database: Database,
  vault: Vault,
  clock: Clock,
  bounds: AuditBounds = { rows: 1_000_000, days: 400 },
): Audit {
  const tally = createTally()

  const append = async (tx: Tx, events: AuditEvent[]): Promise<void> => {
    const [, { end }, last] = await together(lock(tx, ['audit']), findEnds(tx), lastSeq(tx))
    // Behind an end that was tampered with nothing may look like a continuation: a gap or a false link stays.
    let before: Link = {
      seq: Math.max(end.seq, last),
      chain: isProven(vault, 'end', end) ? end.chain : '',
    }
    const at = clock.now()
    const rows: AuditEventRow[] = []
    for (const { action, actor, subject, details = {} } of events) {
      const row = { seq: before.seq + 1, at, action, actor, subject, details: JSON.stringify(details) }
      const link = { seq: row.seq, chain: chainOf(vault, before.chain, row) }
      rows.push({ ...row, chain: link.chain })
      before = link
    }
    await together(appendEvents(tx, rows), setEnd(tx, 'end', proven(vault, 'end', before)))
  }

  const pruneSome = async (tx: Tx): Promise<number> => {
    const [, { start, end }] = await together(lock(tx, ['audit']), findEnds(tx))
    if (!isProven(vault, 'start', start)) throw broken(start.seq + 1)
    if (!isProven(vault, 'end', end)) throw broken(end.seq)
    const tooOld = new Date(Date.parse(clock.now()) - bounds.days * dayMs).toISOString()
    let cut: Link = start
    for (const row of await eventsAfter(tx, start.seq, pruneBatch)) {
      if (row.at >= tooOld && row.seq > end.seq - bounds.rows) break
      if (row.seq !== cut.seq + 1 || row.chain !== chainOf(vault, cut.chain, row)) throw broken(cut.seq + 1)
      cut = row
    }
    if (cut.seq > start.seq) {
      await removeEventsThrough(tx, cut)
      await setEnd(tx, 'start', proven(vault, 'start', cut))
    }
    return cut.seq - start.seq
  }

  return {
    record: (tx, event) => append(tx, [event]),
    tally(event) {
      tally.add(event, clock.now())
    },
    async flush() {
      const counts = tally.take()
      if (counts.length === 0) return
      try {
        await database.transact((tx) =>
          append(
            tx,
            counts.map(({ count, since, ...event }) => ({ ...event, details: { count, since } })),
          ),
        )
      } catch (error) {
        for (const { count, since, ...event } of counts) tally.add(event, since, count)
        throw error
      }
    },
    async prune() {
      let removed = 0
      for (;;) {
        const some = await database.transact(pruneSome)
        removed += some
        if (some < pruneBatch) return removed
      }
    },
  }
}

function broken(seq: number): AppError {
  return new AppError('audit-broken', `the audit trail is broken at row ${String(seq)}`)
}
