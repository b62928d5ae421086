import type { Database } from '../database/database.ts'
import type { Vault } from '../security/vault.ts'
import { chainOf, type End, isProven, type Link } from './chain.ts'
import { eventsAfter, findEnds } from './store.ts'

export type Verdict =
  | { holds: true; first: number; end: Link; noted: 'none' | 'found' | 'pruned' }
  /** `seq` is the first row that is not as it was written, or is not there. */
  | { holds: false; seq: number; fault: string }

const pageSize = 5_000

/**
 * Reads the whole trail and follows its chain, while others may write to it. With `noted`, an end that somebody
 * wrote down earlier, that row has to be in it as well.
 */
export async function verifyTrail(database: Database, vault: Vault, noted?: Link): Promise<Verdict> {
  for (;;) {
    const { start } = await database.query(findEnds)
    const verdict = await follow(database, vault, start, noted)
    if (verdict.holds) return verdict
    const { start: now } = await database.query(findEnds)
    // Rows that were pruned while this read them are no fault.
    if (now.seq === start.seq) return verdict
  }
}

async function follow(database: Database, vault: Vault, start: End, noted?: Link): Promise<Verdict> {
  const fault = (seq: number, text: string): Verdict => ({ holds: false, seq, fault: text })
  if (!isProven(vault, 'start', start))
    return fault(start.seq + 1, 'the record of where the trail begins was changed')
  let last: Link = start
  for (;;) {
    const rows = await database.query((db) => eventsAfter(db, last.seq, pageSize))
    for (const row of rows) {
      if (row.seq !== last.seq + 1)
        return fault(last.seq + 1, `rows up to ${String(row.seq - 1)} are missing`)
      if (row.chain !== chainOf(vault, last.chain, row))
        return fault(row.seq, 'it was changed, put in or moved, or rows before it were replaced')
      if (row.seq === noted?.seq && row.chain !== noted.chain)
        return fault(row.seq, 'it is another row than the one noted')
      last = row
    }
    if (rows.length > 0) continue
    const { end } = await database.query(findEnds)
    const more = await database.query((db) => eventsAfter(db, last.seq, 1))
    // Written since the last page was read.
    if (more.length > 0) continue
    if (!isProven(vault, 'end', end)) return fault(end.seq, 'the record of where the trail ends was changed')
    const written = Math.max(end.seq, noted?.seq ?? 0)
    if (written > last.seq) return fault(last.seq + 1, `rows up to ${String(written)} are missing at the end`)
    if (end.seq < last.seq || end.chain !== last.chain)
      return fault(last.seq, 'the record of where the trail ends is another')
    const found = noted === undefined ? 'none' : noted.seq > start.seq ? 'found' : 'pruned'
    return { holds: true, first: start.seq + 1, end: last, noted: found }
  }
}
