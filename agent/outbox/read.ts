import { AppError } from '../../shared/errors.ts'
import type { OutboxFile } from './file.ts'
import { fromUuid, seqsOf } from './id.ts'
import { idOfCode } from './receipt-code.ts'
import type { RegistrationState } from './registration.ts'
import { tombstoneColumns, type RawRow } from './rows.ts'

/**
 * Rows of both tables by number. As one compound query, and not from their view: so SQLite merges the two as it reads them,
 * where it would sort everything first, for every page.
 */
function inOrder(where: string, direction: 'ASC' | 'DESC'): string {
  const columns = tombstoneColumns.join(', ')
  return `SELECT ${columns}, body FROM registrations WHERE ${where}
    UNION ALL SELECT ${columns}, NULL FROM tombstones WHERE ${where}
    ORDER BY seq ${direction} LIMIT $limit`
}

export function readSeq(file: OutboxFile, seq: number): RawRow | undefined {
  return file.all<RawRow>('SELECT * FROM every_registration WHERE seq = $seq', { seq })[0]
}

/** Throws `registration-unknown`. */
export function readId(file: OutboxFile, id: string): RawRow {
  const [row] = rowsWith(file, id.replaceAll('-', ''))
  if (row === undefined) throw new AppError('registration-unknown', `no registration has the id ${id}`)
  return row
}

/** By as much of the start of an id as tells it from the others, or by the code on the kiosk page. Throws `registration-unknown`. */
export function findRow(file: OutboxFile, idOrStart: string): RawRow {
  const hex = idOfCode(idOrStart).replaceAll('-', '')
  if (hex.length < 4) throw new AppError('registration-unknown', 'give at least four characters of the id')
  const [only, another] = rowsWith(file, hex)
  if (only === undefined)
    throw new AppError('registration-unknown', `no registration has the id ${idOrStart}`)
  if (another === undefined) return only
  throw new AppError('registration-unknown', `several registrations begin with ${idOrStart}`)
}

/** Rows whose ids begin with these hex digits, two at most. */
function rowsWith(file: OutboxFile, hex: string): RawRow[] {
  const found: RawRow[] = []
  if (!/^[0-9a-f]{4,32}$/.test(hex)) return found
  for (const seq of seqsOf(hex, file.highestSeq)) {
    const row = readSeq(file, seq)
    if (row !== undefined && Buffer.from(row.id).toString('hex').startsWith(hex)) found.push(row)
    if (found.length === 2) return found
  }
  const earlier = file.all<{ seq: number }>(
    'SELECT seq FROM earlier_ids WHERE id BETWEEN $from AND $to LIMIT 2',
    { from: fromUuid(hex.padEnd(32, '0')), to: fromUuid(hex.padEnd(32, 'f')) },
  )
  for (const { seq } of earlier) {
    const row = readSeq(file, seq)
    if (row !== undefined && !found.some((other) => other.seq === seq)) found.push(row)
  }
  return found
}

/** The same client's other registrations that the server has confirmed; those of the last day, as far as they are kept. */
export function deliveredOfClient(file: OutboxFile, id: string): RawRow[] {
  const { seq } = readId(file, id)
  return file.all<RawRow>(
    `SELECT * FROM registrations INDEXED BY registrations_settled
     WHERE state IN ('delivered', 'discarded') AND state = 'delivered' AND seq <> $seq
       AND subject = (SELECT subject FROM registrations WHERE seq = $seq)`,
    { seq },
  )
}

/** Newest first, below `beforeSeq`. */
export function listRows(
  file: OutboxFile,
  limit: number,
  beforeSeq: number,
  state: RegistrationState | undefined,
): RawRow[] {
  if (state === undefined) return file.all<RawRow>(inOrder('seq < $beforeSeq', 'DESC'), { beforeSeq, limit })
  // As a literal, the state lets the planner use the index of the odd ones.
  const which = `seq < $beforeSeq AND state = '${state}'`
  const isLive = state === 'pending' || state === 'dead' || state === 'lost'
  // No tombstone is of these states.
  const query = isLive
    ? `SELECT * FROM registrations WHERE ${which} ORDER BY seq DESC LIMIT $limit`
    : inOrder(which, 'DESC')
  return file.all<RawRow>(query, { beforeSeq, limit })
}

/** Oldest first, above `afterSeq`. */
export function pageRows(file: OutboxFile, afterSeq: number, limit: number): RawRow[] {
  return file.all<RawRow>(inOrder('seq > $afterSeq', 'ASC'), { afterSeq, limit })
}
