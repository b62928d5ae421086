import { AppError } from '../../shared/errors.ts'
import type { OutboxFile } from './file.ts'
import { fromUuid, seqsOf } from './id.ts'
import { idOfCode } from './receipt-code.ts'
import type { RegistrationState } from './registration.ts'
import type { RawRow } from './rows.ts'

const all = 'SELECT * FROM every_registration'

export function readSeq(file: OutboxFile, seq: number): RawRow | undefined {
  return file.all<RawRow>(`${all} WHERE seq = $seq`, { seq })[0]
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
  // No tombstone is of these states; and as a literal, the state lets the planner use the index of the odd ones.
  const isLive = state === 'pending' || state === 'dead' || state === 'lost'
  const from = isLive ? 'registrations' : 'every_registration'
  const which = state === undefined ? '' : `AND state = '${state}'`
  return file.all<RawRow>(
    `SELECT * FROM ${from} WHERE seq < $beforeSeq ${which} ORDER BY seq DESC LIMIT $limit`,
    { beforeSeq, limit },
  )
}

/** Oldest first, above `afterSeq`. */
export function pageRows(file: OutboxFile, afterSeq: number, limit: number): RawRow[] {
  return file.all<RawRow>(`${all} WHERE seq > $afterSeq ORDER BY seq LIMIT $limit`, { afterSeq, limit })
}

/** How many were delivered as far as anybody can tell: each table has an index of just these. */
export function countUnconfirmed(file: OutboxFile): number {
  const count = (table: 'registrations' | 'tombstones'): number =>
    file.all<{ rows: number }>(
      `SELECT count(*) AS rows FROM ${table} WHERE last_error = 'delivered-unconfirmed'`,
    )[0]?.rows ?? 0
  return count('registrations') + count('tombstones')
}
