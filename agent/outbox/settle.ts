import type { ErrorCode } from '../../shared/errors.ts'
import type { OutboxFile } from './file.ts'
import type { Order } from './order.ts'
import type { Settlement } from './registration.ts'
import { sealOutcome, type RawRow } from './rows.ts'

/** A result with the number of its row. */
export type SettledRow = Settlement & { seq: number }

/** Notes down what became of a batch, in one transaction. What is settled already stays as it is. */
export function settle(file: OutboxFile, order: Order, results: readonly SettledRow[]): void {
  file.write(() => {
    for (const result of results) {
      if (result.state === 'pending') noteAttempt(file, result.seq, result.error)
      else close(file, result)
    }
  })
  for (const { seq, state } of results) if (state !== 'pending') order.drop(seq)
}

function noteAttempt(file: OutboxFile, seq: number, error: ErrorCode): void {
  file
    .statement(
      `UPDATE registrations SET attempts = attempts + 1, last_error = ? WHERE seq = ? AND state = 'pending'`,
    )
    .run(error, seq)
}

function close(file: OutboxFile, result: SettledRow & { state: 'delivered' | 'dead' }): void {
  const row = file.all<RawRow>(`SELECT * FROM registrations WHERE seq = $seq AND state = 'pending'`, {
    seq: result.seq,
  })[0]
  if (row === undefined) return
  file
    .statement(
      `UPDATE registrations SET state = ?, attempts = attempts + 1, last_error = ?, outcome = ?, settled_at = ?
       WHERE seq = ?`,
    )
    .run(
      result.state,
      result.error ?? null,
      sealOutcome(file.seals, row, [result.state, result.receipt]),
      file.time.nowMs,
      result.seq,
    )
  file.count({ [result.state]: 1 })
}

/** About to be sent. Until an answer replaces it, `answer-lost` is the truth, also after a power cut. */
export function noteSent(file: OutboxFile, seq: number): void {
  file.write(() =>
    file
      .statement(`UPDATE registrations SET last_error = 'answer-lost' WHERE seq = ? AND state = 'pending'`)
      .run(seq),
  )
}

/** A failed attempt was the row's own fault; answers its failures so far. */
export function blame(file: OutboxFile, order: Order, seq: number): number {
  const failures = file.write(
    () =>
      file
        .statement(
          `UPDATE registrations SET failures = failures + 1, is_filed = 1 WHERE seq = ? AND state = 'pending'
           RETURNING failures`,
        )
        .get(seq) as { failures: number } | undefined,
  )
  if (failures === undefined) return 0
  order.drop(seq)
  return failures.failures
}

/** What was sealed does not open any more: it can be sent no more, and is told as lost. */
export function markLost(file: OutboxFile, order: Order, row: Pick<RawRow, 'seq' | 'state'>): void {
  if (row.state === 'lost') return
  file.write(() => {
    file
      .statement(`UPDATE registrations SET state = 'lost', last_error = 'registration-damaged' WHERE seq = ?`)
      .run(row.seq)
    file.count({ lost: 1, ...(row.state === 'pending' ? {} : { [row.state]: -1 }) })
  })
  order.drop(row.seq)
}
