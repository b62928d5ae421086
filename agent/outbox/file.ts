import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Ballast } from './ballast.ts'
import type { Database, Statement } from './database.ts'
import { reportDamage } from './folder.ts'
import type { MarkFile } from './mark.ts'
import { PassedTime } from './passed-time.ts'
import { firstLink, type Seals } from './seal.ts'
import { withStorageErrors } from './storage-errors.ts'

/** What the file itself keeps count of; see schema.ts. */
export interface Tally {
  delivered: number
  dead: number
  discarded: number
  lost: number
}

/** The open outbox file: statements, transactions, counts. Every part of the outbox works on the one of these. */
export class OutboxFile implements Disposable {
  readonly database: Database
  readonly path: string
  readonly clock: Clock
  readonly seals: Seals
  readonly epoch: string
  readonly time: PassedTime
  /** Last sequence number given out; 0 before the first. */
  highestSeq: number
  /** Link of the last row. */
  link: Uint8Array
  readonly #mark: MarkFile
  readonly #ballast: Ballast
  readonly #statements = new Map<string, Statement>()
  readonly #damage = new AbortController()
  #tally: Tally

  constructor(parts: {
    database: Database
    path: string
    clock: Clock
    seals: Seals
    epoch: string
    mark: MarkFile
    ballast: Ballast
    bootId: Uint8Array
  }) {
    this.database = parts.database
    this.path = parts.path
    this.clock = parts.clock
    this.seals = parts.seals
    this.epoch = parts.epoch
    this.#mark = parts.mark
    this.#ballast = parts.ballast
    const { highestSeq, link } = lastRow(parts.database)
    this.highestSeq = highestSeq
    this.link = link
    this.#tally = this.#readTally()
    this.time = PassedTime.open(parts.path, parts.clock, parts.bootId, () => this.#lastSettledMs())
  }

  /** Aborts when the file turns out damaged; from then on nothing is read or written. */
  get damaged(): AbortSignal {
    return this.#damage.signal
  }

  get tally(): Readonly<Tally> {
    return this.#tally
  }

  get pending(): number {
    const { delivered, dead, discarded, lost } = this.#tally
    return this.highestSeq - delivered - dead - discarded - lost
  }

  /** A row was inserted, and is on the disk. */
  accepted(seq: number, link: Uint8Array): void {
    this.highestSeq = seq
    this.link = link
    this.#mark.advance(seq)
  }

  /**
   * One transaction, on the disk when it returns, that may change counts (`count`). Where the disk is full it is given
   * the room that the ballast has kept: what the server has confirmed must always find its place.
   */
  write<T>(work: () => T): T {
    let result: T
    try {
      result = this.transaction(work)
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'disk-full' && this.#ballast.release())) throw error
      result = this.transaction(work)
    }
    this.#tally = this.#readTally()
    return result
  }

  /** One transaction that changes no counts; a full disk is a full disk. */
  transaction<T>(work: () => T): T {
    return this.guarded(() => this.database.transaction(work)())
  }

  /** Adds to the counts, inside `write`. */
  count(change: Partial<Tally>): void {
    const { delivered = 0, dead = 0, discarded = 0, lost = 0 } = change
    this.statement(
      `UPDATE outbox SET delivered = delivered + ?, dead = dead + ?, discarded = discarded + ?, lost = lost + ?`,
    ).run(delivered, dead, discarded, lost)
  }

  all<T>(sql: string, values: Record<string, unknown> = {}): T[] {
    return this.guarded(() => this.statement(sql).all(values) as T[])
  }

  /** Prepared once; none of the texts is built from data. */
  statement(sql: string): Statement {
    const known = this.#statements.get(sql) ?? this.database.prepare(sql)
    this.#statements.set(sql, known)
    return known
  }

  /** Throws AppErrors in the place of what SQLite throws, and `agent-stopping` once the file is closed. */
  guarded<T>(work: () => T): T {
    if (!this.database.open) throw new AppError('agent-stopping', 'the outbox is closed')
    this.damaged.throwIfAborted()
    try {
      return withStorageErrors(this.path, work)
    } catch (error) {
      if (error instanceof AppError && error.code === 'outbox-corrupt') {
        // Checking at the start does not see all that a later write stumbles over: the next start must not try again.
        reportDamage(this.path)
        this.#damage.abort(error)
      }
      throw error
    }
  }

  [Symbol.dispose](): void {
    if (!this.database.open) return
    this.time.keep()
    this.#mark[Symbol.dispose]()
    this.database.close()
  }

  #lastSettledMs(): number | null {
    const [last] = this.all<{ at: number | null }>(
      `SELECT max(at) AS at FROM (
         SELECT max(settled_at) AS at FROM registrations WHERE state IN ('delivered', 'discarded')
         UNION ALL SELECT max(settled_at) FROM tombstones)`,
    )
    return last?.at ?? null
  }

  #readTally(): Tally {
    const [tally] = this.all<Tally>('SELECT delivered, dead, discarded, lost FROM outbox')
    if (tally === undefined)
      throw new AppError('outbox-corrupt', `the outbox ${this.path} has lost its counts`)
    return tally
  }
}

/** Where sequence and chain go on. */
export function lastRow(database: Database): {
  highestSeq: number
  link: Uint8Array
  floor: number
  lastSeq: number
} {
  const { floor, base, epoch } = database
    .prepare('SELECT seq_floor AS floor, base_link AS base, epoch FROM outbox')
    .get() as { floor: number; base: Uint8Array; epoch: string }
  const last = database
    .prepare(
      `SELECT seq, link FROM registrations UNION ALL SELECT seq, link FROM tombstones ORDER BY seq DESC LIMIT 1`,
    )
    .get() as { seq: number; link: Uint8Array } | undefined
  const link = last?.link ?? (base.length === 0 ? firstLink(epoch) : base)
  const lastSeq = last?.seq ?? 0
  return { highestSeq: Math.max(floor, lastSeq), link, floor, lastSeq }
}
