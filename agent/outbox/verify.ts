import { isDeepStrictEqual } from 'node:util'
import type { OutboxFile, Tally } from './file.ts'
import { unindexed } from './indexes.ts'
import { pageRows } from './read.ts'
import type { RegistrationState } from './registration.ts'
import { inspect, placeOf, type RawRow } from './rows.ts'
import { firstLink, nextLink } from './seal.ts'

/** Rows looked at before others get their turn. */
const rowsAtOnce = 200
/** Problems told one by one; the rest is counted. */
const maxProblems = 100

export interface Verification {
  /** Empty when everything is as it was written. */
  problems: string[]
  /** Rows of each state as they were counted, removed tombstones included. */
  accepted: number
  pending: number
  delivered: number
  dead: number
  discarded: number
  lost: number
  chainHead: string
}

/**
 * Proves accepted = delivered + pending + dead + discarded + lost from the rows themselves: every number is there, every
 * link follows from the one before, every seal opens, every settled row holds its proof, every index has its rows, and the
 * counts kept while settling are those of the rows. Reads everything, and lets others go on (`pause`) in between; SQLite's
 * own integrity check would not.
 */
export async function verify(file: OutboxFile, pause: () => Promise<void>): Promise<Verification> {
  const problems: string[] = []
  const tell = (problem: string): void => {
    if (problems.length < maxProblems) problems.push(problem)
  }
  // Rows accepted meanwhile are none of its business; rows settled meanwhile are counted as it found them.
  const { base, through, removedDelivered, removedDiscarded, missing } = standing(file)
  const head = { seq: file.highestSeq, link: Buffer.from(file.link) }
  const tally = { ...file.tally }
  const found = {
    pending: 0,
    delivered: removedDelivered,
    dead: 0,
    discarded: removedDiscarded,
    lost: missing,
  }
  let link: Uint8Array = base
  let last = through
  let isBroken = false
  for (;;) {
    const after = last
    const rows = pageRows(file, after, rowsAtOnce).filter(({ seq }) => seq <= head.seq)
    if (rows.length === 0) break
    for (const row of rows) {
      last = row.seq
      const expected = nextLink(link, placeOf(row), row.digest)
      if (!expected.equals(row.link) && !isBroken) {
        isBroken = true
        tell(
          `the chain is broken at number ${String(row.seq)}: this row or the one before was removed or changed`,
        )
      }
      link = row.link
      const state = Object.hasOwn(found, row.state) ? row.state : undefined
      if (state === undefined) tell(`number ${String(row.seq)} has no state`)
      else found[state] += 1
      if (row.state !== 'lost') tellUnlessSound(file, row, tell)
    }
    for (const { seq, index } of unindexed(file, after, last))
      tell(`number ${String(seq)} is missing in the index ${index}`)
    await pause()
  }
  const accepted = found.pending + found.delivered + found.dead + found.discarded + found.lost
  if (accepted !== head.seq) tell(`${String(head.seq)} were accepted, ${String(accepted)} are accounted for`)
  if (!isBroken && last > through && !head.link.equals(link)) tell('the chain does not end where it should')
  if (isDeepStrictEqual(tally, file.tally))
    for (const problem of miscounts(head.seq, tally, found)) tell(problem)
  return { problems, accepted, ...found, chainHead: head.link.toString('hex') }
}

function tellUnlessSound(file: OutboxFile, row: RawRow, tell: (problem: string) => void): void {
  const found = inspect(file.seals, row)
  if (found === 'lost') tell(`number ${String(row.seq)} does not open`)
  if (found === 'unsettled') tell(`number ${String(row.seq)} is called ${row.state} without proof`)
}

function* miscounts(
  accepted: number,
  { delivered, dead, discarded, lost }: Tally,
  found: Record<RegistrationState, number>,
): Generator<string> {
  const pending = accepted - delivered - dead - discarded - lost
  const kept = { pending, delivered, dead, discarded, lost }
  for (const [state, count] of Object.entries(kept) as [RegistrationState, number][]) {
    if (count === found[state]) continue
    yield `${String(count)} were counted as ${state}, ${String(found[state])} rows are`
  }
}

function standing(file: OutboxFile) {
  const row = file.all<{
    base: Uint8Array
    through: number
    removedDelivered: number
    removedDiscarded: number
    missing: number
  }>(
    `SELECT base_link AS base, removed_through AS through, removed_delivered AS removedDelivered,
       removed_discarded AS removedDiscarded, missing FROM outbox`,
  )[0]
  if (row === undefined) throw new Error('an outbox has its row')
  return { ...row, base: row.base.length === 0 ? firstLink(file.epoch) : row.base }
}
