import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Clock } from '../../shared/clock.ts'
import { AppError, isErrorCode, type ErrorCode } from '../../shared/errors.ts'
import { openOutboxDatabase, outboxPath, type Database, type Statement } from './database.ts'
import { rememberImported } from './imported.ts'
import { columns, nextInTurn, nextLive } from './queries.ts'
import { idOfCode } from './receipt-code.ts'
import type {
  NewRegistration,
  OutboxCounts,
  RegistrationState,
  Settlement,
  StoredRegistration,
  System,
  Watermark,
} from './registration.ts'
import { withStorageErrors } from './storage-errors.ts'

/** Most registrations of one batch. */
export const maxBatch = 200

/**
 * The durable queue between a tap and the server. Every call is one synchronous transaction that is on the disk
 * when it returns; every call may throw `disk-full`, `storage-failed` or `outbox-corrupt`, and then changed nothing.
 */
export class Outbox implements Disposable {
  readonly #database: Database
  readonly #path: string
  readonly #clock: Clock
  readonly #bootId = bootId()
  readonly #statements = new Map<string, Statement>()

  private constructor(database: Database, path: string, clock: Clock) {
    this.#database = database
    this.#path = path
    this.#clock = clock
  }

  /** Throws what openOutboxDatabase throws. */
  static open(dataFolder: string, clock: Clock): Outbox {
    return new Outbox(openOutboxDatabase(dataFolder, clock), outboxPath(dataFolder), clock)
  }

  /** Accepts a registration: mints its idempotency key and answers once the row is on the disk. */
  append(registration: NewRegistration): StoredRegistration {
    const id = randomUUID()
    this.#run(
      `INSERT INTO registrations
         (id, idempotency_key, system, subject, card, body, reader_id, consent_text, created_at, created_mono_ms, boot_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      randomUUID(),
      registration.system,
      registration.subject,
      registration.card,
      registration.body,
      registration.readerId,
      registration.consentText ?? null,
      this.#clock.now(),
      this.#clock.monoMs(),
      this.#bootId,
    )
    return this.get(id)
  }

  /**
   * Accepts a part of a list in one transaction, and of equal content only the first that ever came from a list:
   * whoever repeats an import that was interrupted repeats no registration. Answers how many are new.
   */
  appendOnce(registrations: readonly NewRegistration[]): number {
    return this.#guarded(() =>
      this.#database.transaction(() => {
        const { epoch } = this
        const fresh = registrations.filter(({ body }) => rememberImported(this.#database, epoch, body))
        for (const registration of fresh) this.append(registration)
        return fresh.length
      })(),
    )
  }

  /**
   * The registration to send next, or undefined. Those somebody waits for (`live`) come first, then those that failed
   * less often, so that a bad one never holds up the others. A row waits for an earlier pending row of its client or
   * its card until that one has used up its patience.
   *
   * @param resting ids that wait out a back-off of their own
   * @param held systems that take nothing now
   */
  next(
    resting: Iterable<string>,
    live: Iterable<string>,
    held: Iterable<System> = [],
  ): StoredRegistration | undefined {
    return this.nextBatch(1, resting, live, held)[0]
  }

  /**
   * The registrations to send next, in the order of `next`, at most one for each client and one for each card: those
   * that follow come once it is settled. A batch may hold fewer than there are.
   *
   * @param limit 1 to maxBatch
   */
  nextBatch(
    limit: number,
    resting: Iterable<string>,
    live: Iterable<string>,
    held: Iterable<System> = [],
  ): StoredRegistration[] {
    const values = {
      resting: JSON.stringify([...resting]),
      held: JSON.stringify([...held]),
      limit: Math.min(limit, maxBatch),
    }
    const ids = JSON.stringify([...live])
    // Two queries, because one order for both would sort the whole backlog at every call.
    const first = ids === '[]' ? [] : this.#rows(nextLive, { ...values, live: ids })
    const inTurn = first.length < values.limit ? this.#rows(nextInTurn, values) : []
    return [...new Map([...first, ...inTurn].map((row) => [row.id, row])).values()].slice(0, values.limit)
  }

  /** What became of a batch, in one transaction. A registration that is settled already stays as it is. */
  settleAll(results: readonly Settlement[]): void {
    this.#guarded(() => {
      this.#database.transaction(() => {
        for (const result of results) this.#settle(result)
      })()
    })
  }

  /** The server has it. */
  markDelivered(id: string, receipt: string, error?: ErrorCode): void {
    this.settleAll([{ id, state: 'delivered', receipt, error }])
  }

  /** The server refused it for good. */
  markDead(id: string, error: ErrorCode, receipt: string | null): void {
    this.settleAll([{ id, state: 'dead', error, receipt }])
  }

  /** About to be sent. Until an answer replaces it, `answer-lost` is the truth, also after a power cut. */
  noteSent(id: string): void {
    this.#run(`UPDATE registrations SET last_error = 'answer-lost' WHERE id = ? AND state = 'pending'`, id)
  }

  /** An attempt failed and will be repeated. */
  recordAttempt(id: string, error: ErrorCode): void {
    this.settleAll([{ id, state: 'pending', error }])
  }

  /** The failed attempt was this row's own fault: others got through. Answers its failures so far. */
  blame(id: string): number {
    this.#run(`UPDATE registrations SET failures = failures + 1 WHERE id = ? AND state = 'pending'`, id)
    return this.get(id).failures
  }

  /** Throws `registration-unknown`. */
  get(id: string): StoredRegistration {
    const found = this.#one(`SELECT ${columns} FROM registrations WHERE id = $id`, { id })
    if (found === undefined) throw new AppError('registration-unknown', `no registration has the id ${id}`)
    return found
  }

  /**
   * By id, by as much of its start as tells it from the others, or by the code on the kiosk page.
   * Throws `registration-unknown`.
   */
  find(idOrStart: string): StoredRegistration {
    const start = idOfCode(idOrStart)
    if (start.length < 4)
      throw new AppError('registration-unknown', 'give at least four characters of the id')
    const found = this.#rows(
      `SELECT ${columns} FROM registrations WHERE id >= $start AND id < $start || '~' LIMIT 2`,
      { start },
    )
    const [only, another] = found
    if (only === undefined)
      throw new AppError('registration-unknown', `no registration has the id ${idOrStart}`)
    if (another === undefined || only.id === start) return only
    throw new AppError('registration-unknown', `several registrations begin with ${idOrStart}`)
  }

  /** Receipts of the same client's other registrations that the server has answered. */
  receiptsOfClient(id: string): string[] {
    const rows = this.#rows(
      `SELECT ${columns} FROM registrations WHERE state = 'delivered' AND id <> $id
         AND (system, subject) = (SELECT system, subject FROM registrations WHERE id = $id)`,
      { id },
    )
    return rows.flatMap(({ receipt }) => receipt ?? [])
  }

  /** Newest first, `limit` at most, below `beforeSeq`. */
  list(
    limit: number,
    beforeSeq: number = Number.MAX_SAFE_INTEGER,
    state?: RegistrationState,
  ): StoredRegistration[] {
    const where = state === undefined ? '' : 'AND state = $state'
    return this.#rows(
      `SELECT ${columns} FROM registrations WHERE seq < $beforeSeq ${where} ORDER BY seq DESC LIMIT $limit`,
      { limit, beforeSeq, ...(state === undefined ? {} : { state }) },
    )
  }

  counts(): OutboxCounts {
    return this.#guarded(() => {
      const rows = this.#database
        .prepare('SELECT state, count(*) AS rows FROM registrations GROUP BY state')
        .all() as { state: RegistrationState; rows: number }[]
      const found = Object.fromEntries(rows.map(({ state, rows: count }) => [state, count]))
      const { pending = 0, delivered = 0, dead = 0, discarded = 0 } = found
      return { pending, delivered, dead, discarded, oldestPendingSeconds: this.#oldestPendingSeconds() }
    })
  }

  get epoch(): string {
    return this.#guarded(() => this.#database.prepare('SELECT epoch FROM outbox').pluck().get() as string)
  }

  watermark(): Watermark {
    const { pending, delivered, dead, discarded } = this.counts()
    const accepted = pending + delivered + dead + discarded
    const highestSeq = this.list(1)[0]?.seq ?? 0
    return { epoch: this.epoch, highestSeq, accepted, delivered, dead, discarded, pending, chainHead: '' }
  }

  /** Sends a dead letter again, under its old key. Throws `registration-unknown` or `registration-settled`. */
  retry(id: string): void {
    const { state } = this.get(id)
    if (state === 'pending') return
    if (state !== 'dead') throw new AppError('registration-settled', `registration ${id} is ${state}`)
    this.#revive(`WHERE state = 'dead' AND id = ?`, id)
  }

  /** Sends every dead letter again; answers how many. */
  retryAll(): number {
    return this.#revive(`WHERE state = 'dead'`)
  }

  /** Gives up a dead letter; the row stays, with the reason. Throws as retry does. */
  discard(id: string, reason: string): void {
    const { state } = this.get(id)
    if (state !== 'dead') {
      throw new AppError(
        'registration-settled',
        `registration ${id} is ${state}; only a dead letter can be discarded`,
      )
    }
    this.#run(
      `UPDATE registrations SET state = 'discarded', discard_reason = ?, settled_at = ? WHERE id = ?`,
      reason,
      this.#clock.now(),
      id,
    )
  }

  /** Oldest first, `limit` at most, above `afterSeq`. */
  page(afterSeq: number, limit: number): StoredRegistration[] {
    return this.#rows(
      `SELECT ${columns} FROM registrations WHERE seq > $afterSeq ORDER BY seq LIMIT $limit`,
      { afterSeq, limit },
    )
  }

  /**
   * Empties the bodies of registrations delivered before `before` (ISO 8601) and answers how many: the server has the
   * client's data, and this machine stands in a lobby. Key, state and receipt stay.
   */
  forgetDelivered(before: string): number {
    return this.#run(
      `UPDATE registrations SET body = '{}', card = ''
       WHERE state = 'delivered' AND settled_at < ? AND body <> '{}'`,
      before,
    )
  }

  /** Reads the whole file: what SQLite finds wrong, at most a hundred lines; empty when it is sound. */
  verify(): string[] {
    const lines = this.#guarded(
      () => this.#database.pragma('integrity_check') as { integrity_check: string }[],
    )
    return lines.map((line) => line.integrity_check).filter((line) => line !== 'ok')
  }

  /** Proves that the outbox still takes a write; throws where it does not. */
  probe(): void {
    this.#run('UPDATE outbox SET opened_at = opened_at')
  }

  [Symbol.dispose](): void {
    if (this.#database.open) this.#database.close()
  }

  #settle(result: Settlement): void {
    if (result.state === 'pending') {
      this.#run(
        `UPDATE registrations SET attempts = attempts + 1, last_error = ? WHERE id = ? AND state = 'pending'`,
        result.error,
        result.id,
      )
      return
    }
    this.#run(
      `UPDATE registrations SET state = ?, attempts = attempts + 1, last_error = ?, receipt = ?, settled_at = ?
       WHERE id = ? AND state = 'pending'`,
      result.state,
      result.error ?? null,
      result.receipt,
      this.#clock.now(),
      result.id,
    )
  }

  #revive(where: string, ...values: unknown[]): number {
    return this.#run(
      `UPDATE registrations SET state = 'pending', failures = 0, settled_at = NULL ${where}`,
      ...values,
    )
  }

  #run(sql: string, ...values: unknown[]): number {
    return this.#guarded(() => this.#statement(sql).run(...values).changes)
  }

  #rows(sql: string, values: Record<string, unknown>): StoredRegistration[] {
    return this.#guarded(() => this.#statement(sql).all(values).map(asRegistration))
  }

  #one(sql: string, values: Record<string, unknown>): StoredRegistration | undefined {
    return this.#guarded(() => {
      const row = this.#statement(sql).get(values)
      return row === undefined ? undefined : asRegistration(row)
    })
  }

  /** By the monotonic clock where the row is of this boot, else by the wall clock, which may have been set since. */
  #oldestPendingSeconds(): number | null {
    const oldest = this.#database
      .prepare(
        `SELECT created_at AS at, created_mono_ms AS monoMs, boot_id AS bootId
         FROM registrations WHERE state = 'pending' ORDER BY seq LIMIT 1`,
      )
      .get() as { at: string; monoMs: number; bootId: string } | undefined
    if (oldest === undefined) return null
    const ageMs =
      oldest.bootId === this.#bootId
        ? this.#clock.monoMs() - oldest.monoMs
        : Date.parse(this.#clock.now()) - Date.parse(oldest.at)
    return Math.max(0, Math.round(ageMs / 1000))
  }

  /** Prepared once: there are a dozen texts in this file and none is built from data. */
  #statement(sql: string): Statement {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql)
    this.#statements.set(sql, known)
    return known
  }

  #guarded<T>(work: () => T): T {
    if (!this.#database.open) throw new AppError('agent-stopping', 'the outbox is closed')
    return withStorageErrors(this.#path, work)
  }
}

function asRegistration(row: unknown): StoredRegistration {
  const registration = row as StoredRegistration
  return { ...registration, lastError: isErrorCode(registration.lastError) ? registration.lastError : null }
}

/** Tells monotonic times of one boot from those of another; where it cannot be known, every process is its own. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return randomUUID()
  }
}
