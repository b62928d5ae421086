import type { OutboxFile, Tally } from './file.ts'
import type { Order } from './order.ts'
import { pageRows } from './read.ts'
import type { RegistrationState } from './registration.ts'
import { inspect, placeOf, recount, type RawRow, type Removed } from './rows.ts'
import { firstLink, nextLink } from './seal.ts'
import { markLost } from './settle.ts'

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
 * link follows from the one before, every seal opens, every settled row holds its proof, and the counts kept while
 * settling are those of the rows. Reads everything, and lets others go on (`pause`) in between.
 */
export async function verify(file: OutboxFile, pause: () => Promise<void>): Promise<Verification> {
  const problems: string[] = []
  const tell = (problem: string): void => {
    if (problems.length < maxProblems) problems.push(problem)
  }
  for (const line of integrityProblems(file)) tell(`SQLite: ${line}`)
  // Rows accepted meanwhile are none of its business; rows settled meanwhile are counted as they then are.
  const { base, through, removedDelivered, removedDiscarded, missing } = standing(file)
  const head = { seq: file.highestSeq, link: Buffer.from(file.link) }
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
  for (
    let rows = pageRows(file, last, rowsAtOnce);
    rows.length > 0;
    rows = pageRows(file, last, rowsAtOnce)
  ) {
    for (const row of rows) {
      last = row.seq
      if (row.seq > head.seq) break
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
    await pause()
  }
  const accepted = found.pending + found.delivered + found.dead + found.discarded + found.lost
  if (accepted !== head.seq) tell(`${String(head.seq)} were accepted, ${String(accepted)} are accounted for`)
  if (!isBroken && last > through && !head.link.equals(link)) tell('the chain does not end where it should')
  for (const problem of miscounts(file, found)) tell(problem)
  return { problems, accepted, ...found, chainHead: head.link.toString('hex') }
}

/**
 * Looks through a few rows above `afterSeq` for what damage has done, and puts right what can be: what is called settled
 * without proof is sent again under its key, what does not open is told as lost. Answers where to go on, or undefined at
 * the end.
 */
export function mend(file: OutboxFile, order: Order, afterSeq: number): number | undefined {
  const rows = pageRows(file, afterSeq, rowsAtOnce)
  for (const row of rows) {
    const found = inspect(file.seals, row)
    if (found === 'lost' && row.body !== null) markLost(file, order, row)
    if (found === 'unsettled') reopen(file, row)
  }
  if (rows.length === rowsAtOnce) return rows.at(-1)?.seq
  correctCounts(file)
  return undefined
}

/** Damage may have hit the counts themselves. */
function correctCounts(file: OutboxFile): void {
  file.write(() => {
    const removed = file
      .statement('SELECT removed_through, removed_delivered, removed_discarded FROM outbox')
      .get()
    recount(file.database, file.highestSeq, removed as Removed)
  })
}

function reopen(file: OutboxFile, { seq, state }: RawRow): void {
  file.write(() => {
    file
      .statement(
        `UPDATE registrations SET state = 'pending', is_filed = 1, outcome = NULL, reason = NULL, settled_at = NULL
         WHERE seq = ?`,
      )
      .run(seq)
    if (state !== 'pending') file.count({ [state]: -1 })
  })
}

function tellUnlessSound(file: OutboxFile, row: RawRow, tell: (problem: string) => void): void {
  const found = inspect(file.seals, row)
  if (found === 'lost') tell(`number ${String(row.seq)} does not open`)
  if (found === 'unsettled') tell(`number ${String(row.seq)} is called ${row.state} without proof`)
}

function* miscounts(file: OutboxFile, found: Record<RegistrationState, number>): Generator<string> {
  const { delivered, dead, discarded, lost } = file.tally
  const kept: Tally & { pending: number } = { pending: file.pending, delivered, dead, discarded, lost }
  for (const [state, count] of Object.entries(kept) as [RegistrationState, number][]) {
    if (count === found[state]) continue
    yield `${String(count)} were counted as ${state}, ${String(found[state])} rows are`
  }
}

/** At most a hundred lines; none when the file is sound. */
function integrityProblems(file: OutboxFile): string[] {
  const lines = file.guarded(() => file.database.pragma('integrity_check') as { integrity_check: string }[])
  return lines.map((line) => line.integrity_check).filter((line) => line !== 'ok')
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
