import { AppError, type ErrorCode } from '../../shared/errors.ts'
import { note, type Actor } from './audit.ts'
import type { OutboxFile } from './file.ts'
import { asUuid } from './id.ts'
import { placeOf, type RawRow } from './rows.ts'

// Filed at once: order.ts keeps only rows that were never settled in memory.
const revive = `UPDATE registrations SET state = 'pending', is_filed = 1, failures = 0, settled_at = NULL`

/** Sends a dead letter again, under its old key. Throws `registration-settled`. */
export function retryLetter(file: OutboxFile, row: RawRow, actor: Actor): void {
  if (row.state === 'pending') return
  refuseUnlessDead(row)
  file.write(() => {
    reviveOne(file, row)
    note(file, actor, { action: 'retry', registration: asUuid(row.id) })
  })
}

/** All of them, or those refused for one cause; answers how many. */
export function retryLetters(file: OutboxFile, cause: ErrorCode | undefined, actor: Actor): number {
  return file.write(() => {
    const { changes } = file
      .statement(`${revive} WHERE state = 'dead' AND ($cause IS NULL OR last_error = $cause)`)
      .run({ cause: cause ?? null })
    file.count({ dead: -changes })
    if (changes > 0) note(file, actor, { action: 'retry', detail: `${cause ?? 'all'}: ${String(changes)}` })
    return changes
  })
}

/** Sends a dead letter again, with another body, under its old key. Throws `registration-settled`. */
export function fixLetter(file: OutboxFile, row: RawRow, body: string, actor: Actor): void {
  refuseUnlessDead(row)
  file.write(() => {
    file
      .statement('UPDATE registrations SET body = ? WHERE seq = ?')
      .run(file.seals.seal(placeOf(row), 'body', body), row.seq)
    reviveOne(file, row)
    note(file, actor, { action: 'fix', registration: asUuid(row.id) })
  })
}

/** Gives a dead letter up; the row stays, with the reason. Throws `registration-settled`. */
export function discardLetter(file: OutboxFile, row: RawRow, reason: string, actor: Actor): void {
  refuseUnlessDead(row)
  file.write(() => {
    file
      .statement(`UPDATE registrations SET state = 'discarded', reason = ?, settled_at = ? WHERE seq = ?`)
      .run(file.seals.seal(placeOf(row), 'reason', reason), Date.parse(file.clock.now()), row.seq)
    file.count({ dead: -1, discarded: 1 })
    note(file, actor, { action: 'discard', registration: asUuid(row.id) })
  })
}

/** How many dead letters there are of each cause. */
export function countCauses(file: OutboxFile): Record<string, number> {
  const rows = file.all<{ cause: string; letters: number }>(
    `SELECT last_error AS cause, count(*) AS letters FROM registrations WHERE state = 'dead' GROUP BY last_error`,
  )
  return Object.fromEntries(rows.map(({ cause, letters }) => [cause, letters]))
}

function reviveOne(file: OutboxFile, { seq }: RawRow): void {
  file.statement(`${revive} WHERE seq = ?`).run(seq)
  file.count({ dead: -1 })
}

function refuseUnlessDead({ id, state }: RawRow): void {
  if (state === 'dead') return
  throw new AppError('registration-settled', `registration ${asUuid(id)} is ${state}, not a dead letter`)
}
