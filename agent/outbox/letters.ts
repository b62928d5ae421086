import { AppError, type ErrorCode } from '../../shared/errors.ts'
import { listAudit, note, thisUser, type Actor, type AuditEntry } from './audit.ts'
import type { OutboxFile } from './file.ts'
import { asUuid } from './id.ts'
import { readId } from './read.ts'
import { placeOf, type RawRow } from './rows.ts'

// Filed at once: order.ts keeps only rows that were never settled in memory.
const revive = `UPDATE registrations SET state = 'pending', is_filed = 1, failures = 0, settled_at = NULL`

/** What people do with dead letters, and the record of it. Throws `registration-unknown` and `registration-settled`. */
export class Letters {
  readonly #file: OutboxFile

  constructor(file: OutboxFile) {
    this.#file = file
  }

  /** Sends a dead letter again, under its old key. What is pending goes by itself. */
  retry(id: string, actor: Actor = thisUser()): void {
    const row = readId(this.#file, id)
    if (row.state === 'pending') return
    refuseUnlessDead(row)
    this.#file.write(() => {
      this.#revive(row)
      note(this.#file, actor, { action: 'retry', registration: asUuid(row.id) })
    })
  }

  /** All of them, or those refused for one cause; answers how many. */
  retryAll(cause?: ErrorCode, actor: Actor = thisUser()): number {
    const file = this.#file
    return file.write(() => {
      const { changes } = file
        .statement(`${revive} WHERE state = 'dead' AND ($cause IS NULL OR last_error = $cause)`)
        .run({ cause: cause ?? null })
      file.count({ dead: -changes })
      if (changes > 0) note(file, actor, { action: 'retry', detail: `${cause ?? 'all'}: ${String(changes)}` })
      return changes
    })
  }

  /** Sends a dead letter again with another body (JSON text), under its old key. */
  fix(id: string, body: string, actor: Actor = thisUser()): void {
    const file = this.#file
    const row = readId(file, id)
    refuseUnlessDead(row)
    file.write(() => {
      file
        .statement('UPDATE registrations SET body = ? WHERE seq = ?')
        .run(file.seals.seal(placeOf(row), 'body', body), row.seq)
      this.#revive(row)
      note(file, actor, { action: 'fix', registration: asUuid(row.id) })
    })
  }

  /** Gives a dead letter up; the row stays, with the reason. */
  discard(id: string, reason: string, actor: Actor = thisUser()): void {
    const file = this.#file
    const row = readId(file, id)
    refuseUnlessDead(row)
    file.write(() => {
      file
        .statement(`UPDATE registrations SET state = 'discarded', reason = ?, settled_at = ? WHERE seq = ?`)
        .run(file.seals.seal(placeOf(row), 'reason', reason), file.time.nowMs, row.seq)
      file.count({ dead: -1, discarded: 1 })
      note(file, actor, { action: 'discard', registration: asUuid(row.id) })
    })
  }

  /** How many dead letters there are of each cause. */
  causes(): Record<string, number> {
    const rows = this.#file.all<{ cause: string; letters: number }>(
      `SELECT last_error AS cause, count(*) AS letters FROM registrations WHERE state = 'dead' GROUP BY last_error`,
    )
    return Object.fromEntries(rows.map(({ cause, letters }) => [cause, letters]))
  }

  /** What people did to the outbox, newest first. */
  audit(limit: number): AuditEntry[] {
    return listAudit(this.#file, limit)
  }

  /** Everything was written to a file by somebody. */
  noteExport(actor: Actor): void {
    this.#file.write(() => {
      note(this.#file, actor, { action: 'export' })
    })
  }

  #revive({ seq }: RawRow): void {
    this.#file.statement(`${revive} WHERE seq = ?`).run(seq)
    this.#file.count({ dead: -1 })
  }
}

function refuseUnlessDead({ id, state }: RawRow): void {
  if (state === 'dead') return
  throw new AppError('registration-settled', `registration ${asUuid(id)} is ${state}, not a dead letter`)
}
