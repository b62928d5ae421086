import { setImmediate as nextTurn } from 'node:timers/promises'
import { AppError } from '../../shared/errors.ts'
import type { Ballast } from './ballast.ts'
import type { OutboxFile } from './file.ts'
import { unindexed } from './indexes.ts'
import type { Order } from './order.ts'
import { pageRows } from './read.ts'
import { inspect, recount, type RawRow, type Removed } from './rows.ts'
import { markLost } from './settle.ts'
import { verify, type Verification } from './verify.ts'

/** Rows of one transaction: it must never hold up a tap for long. */
const rowsAtOnce = 200
/** Pages given back in one go. */
const pagesAtOnce = 2_000

/** What keeps an outbox in order, in small pieces: see tend.ts. */
export class Upkeep {
  readonly #file: OutboxFile
  readonly #order: Order
  readonly #ballast: Ballast
  #verifying = 0

  constructor(file: OutboxFile, order: Order, ballast: Ballast) {
    this.#file = file
    this.#order = order
    this.#ballast = ballast
  }

  /** Takes a few accepted registrations into the indexes that order them; answers whether there are others. */
  fileOldest(): boolean {
    return this.#order.fileOldest()
  }

  /**
   * Turns rows that were delivered or discarded `keepMs` ago, or longer, into tombstones, a few hundred at a time, and
   * answers how many: the server has the client's data, and this machine stands in a lobby. Key, state, receipt and keyed
   * hash stay.
   */
  forgetDelivered(keepMs: number): number {
    const file = this.#file
    return file.write(() => {
      const rows = file
        .statement(
          `SELECT seq FROM registrations INDEXED BY registrations_settled
           WHERE state IN ('delivered', 'discarded') AND settled_at <= ? LIMIT ${String(rowsAtOnce)}`,
        )
        .pluck()
        .all(file.time.nowMs - keepMs) as number[]
      const copy = file.statement(
        `INSERT INTO tombstones
           (seq, id, idempotency_key, system, reader_id, consent_text, created_at, state, attempts, failures, last_error,
            settled_at, digest, link, outcome, reason)
         SELECT seq, id, idempotency_key, system, reader_id, consent_text, created_at, state, attempts, failures, last_error,
            settled_at, digest, link, outcome, reason
         FROM registrations WHERE seq = ?`,
      )
      const remove = file.statement('DELETE FROM registrations WHERE seq = ?')
      for (const seq of rows) {
        copy.run(seq)
        remove.run(seq)
      }
      return rows.length
    })
  }

  /**
   * Removes the oldest tombstones settled `keepMs` ago, or longer, a few hundred at a time, up to the first row that is not
   * one: the chain goes on from the last of them. Answers how many; none while somebody follows the chain.
   */
  forgetTombstones(keepMs: number): number {
    if (this.#verifying > 0) return 0
    const file = this.#file
    const before = file.time.nowMs - keepMs
    return file.write(() => {
      const firstLive = file.statement('SELECT min(seq) FROM registrations').pluck().get() as number | null
      const rows = file
        .statement(
          `SELECT seq, state, link, settled_at AS settledAt FROM tombstones WHERE seq < ?
           ORDER BY seq LIMIT ${String(rowsAtOnce)}`,
        )
        .all(firstLive ?? file.highestSeq) as (Pick<RawRow, 'seq' | 'state' | 'link'> & {
        settledAt: number
      })[]
      const young = rows.findIndex(({ settledAt }) => settledAt > before)
      const old = young < 0 ? rows : rows.slice(0, young)
      const last = old.at(-1)
      if (last === undefined) return 0
      file.statement('DELETE FROM tombstones WHERE seq <= ?').run(last.seq)
      file.statement('DELETE FROM earlier_ids WHERE seq <= ?').run(last.seq)
      const delivered = old.filter(({ state }) => state === 'delivered').length
      file
        .statement(
          `UPDATE outbox SET removed_through = ?, base_link = ?, removed_delivered = removed_delivered + ?,
             removed_discarded = removed_discarded + ?`,
        )
        .run(last.seq, last.link, delivered, old.length - delivered)
      return old.length
    })
  }

  /** Gives free pages back to the disk, a piece at a time; answers whether there is more. */
  giveBack(): boolean {
    const { database } = this.#file
    return this.#file.guarded(() => {
      const free = (): number => Number(database.pragma('freelist_count', { simple: true }))
      if (free() === 0) return false
      database.pragma(`incremental_vacuum(${String(pagesAtOnce)})`)
      if (free() > 0) return true
      database.pragma('wal_checkpoint(TRUNCATE)')
      return false
    })
  }

  /**
   * Looks through a few rows above `afterSeq` for what damage has done, and puts right what can be: what is called settled
   * without proof is sent again under its key, what does not open is told as lost. Answers where to go on, or undefined at
   * the end. Throws `outbox-corrupt` where only the next start can put it right.
   */
  mend(afterSeq: number): number | undefined {
    const file = this.#file
    const rows = pageRows(file, afterSeq, rowsAtOnce)
    for (const row of rows) {
      const found = inspect(file.seals, row)
      // A tombstone has no state for it: only salvage takes one out, and counts it.
      if (found === 'lost' && row.body === null) this.#leaveToSalvage(`tombstone ${String(row.seq)}`)
      if (found === 'lost') markLost(file, this.#order, row)
      if (found === 'unsettled') this.#reopen(row)
    }
    const last = rows.at(-1)?.seq ?? afterSeq
    const [passedOver] = unindexed(file, afterSeq, last)
    if (passedOver !== undefined) this.#leaveToSalvage(`the index ${passedOver.index}`)
    if (rows.length === rowsAtOnce) return last
    this.#correctCounts()
    return undefined
  }

  #leaveToSalvage(what: string): void {
    this.#file.guarded(() => {
      throw new AppError('outbox-corrupt', `${what} of ${this.#file.path} is damaged`)
    })
  }

  /** Reads the whole file and proves from it what the counts say; others go on in between. */
  async verify(): Promise<Verification> {
    this.#verifying += 1
    try {
      return await verify(this.#file, () => nextTurn())
    } finally {
      this.#verifying -= 1
    }
  }

  /** Puts the ballast back where it was given up and there is room again. */
  layBallast(): void {
    this.#ballast.lay()
  }

  /** Writes down now and then how much time has passed. */
  keepTime(): void {
    this.#file.time.keepUp()
  }

  #reopen({ seq, state }: RawRow): void {
    this.#file.write(() => {
      this.#file
        .statement(
          `UPDATE registrations SET state = 'pending', is_filed = 1, outcome = NULL, reason = NULL, settled_at = NULL
           WHERE seq = ?`,
        )
        .run(seq)
      if (state !== 'pending') this.#file.count({ [state]: -1 })
    })
  }

  /** Damage may have hit the counts themselves. */
  #correctCounts(): void {
    const file = this.#file
    file.write(() => {
      const removed = file
        .statement('SELECT removed_through, removed_delivered, removed_discarded FROM outbox')
        .get()
      recount(file.database, file.highestSeq, removed as Removed)
    })
  }
}
