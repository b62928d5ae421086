import type { OutboxFile } from './file.ts'
import { asUuid } from './id.ts'
import type { System } from './registration.ts'

/** What decides whether a row may go. */
interface Waiting {
  seq: number
  id: string
  system: System
  /** Keyed hashes of client and card; null where there is none. */
  subject: number | null
  card: number | null
  failures: number
}

/** After this many failures of its own, a row no longer holds back later rows of its client or card. */
const patience = 5
/** At most so many of the newest rows are in no index: an accept then writes one table and nothing else. */
const unfiledRows = 2_048
/** Filed in one go: whoever taps meanwhile waits for it. */
const filedAtOnce = 256
/** Rows looked at in one go. */
const chunk = 400

const waitingColumns = 'seq, id, system, subject, card, failures'
type RawWaiting = Omit<Waiting, 'id'> & { id: Uint8Array }

/**
 * Which pending row goes next. Rows that failed least go first, among those the oldest. A row waits for an earlier pending
 * row of its client or its card until that one has used up its patience.
 *
 * The newest rows are kept in memory (`#unfiled`), all others in the indexes of the file. They are filed in idle moments,
 * the oldest first, and before an accept only when they have become too many.
 */
export class Order {
  readonly #file: OutboxFile
  /** By sequence; none has failed. */
  readonly #unfiled = new Map<number, Waiting>()
  #filedThrough: number

  constructor(file: OutboxFile) {
    this.#file = file
    this.#filedThrough =
      file.all<{ through: number }>('SELECT filed_through AS through FROM outbox')[0]?.through ?? 0
    const rows = file.all<RawWaiting>(
      `SELECT ${waitingColumns} FROM registrations WHERE seq > $through AND state = 'pending' AND is_filed = 0 ORDER BY seq`,
      { through: this.#filedThrough },
    )
    for (const row of rows) this.#unfiled.set(row.seq, asWaiting(row))
  }

  /** Before an accept. */
  makeRoom(): void {
    while (this.#file.highestSeq - this.#filedThrough >= unfiledRows) this.fileOldest()
  }

  /** Files a few of the oldest; answers whether there are others. */
  fileOldest(): boolean {
    const { highestSeq } = this.#file
    if (this.#filedThrough === highestSeq) return false
    const through = Math.min(this.#filedThrough + filedAtOnce, highestSeq)
    this.#file.transaction(() => {
      this.#file
        .statement(
          `UPDATE registrations SET is_filed = 1
           WHERE seq > ? AND seq <= ? AND state = 'pending' AND is_filed = 0`,
        )
        .run(this.#filedThrough, through)
      this.#file.statement('UPDATE outbox SET filed_through = ?').run(through)
    })
    for (const seq of this.#unfiled.keys()) {
      if (seq > through) break
      this.#unfiled.delete(seq)
    }
    this.#filedThrough = through
    return through < highestSeq
  }

  accepted(row: Waiting): void {
    this.#unfiled.set(row.seq, row)
  }

  /** The row is pending no more, or was filed with its first failure. */
  drop(seq: number): void {
    this.#unfiled.delete(seq)
  }

  /** The oldest pending row. */
  oldest(): number | undefined {
    const [unfiled] = this.#unfiled.keys()
    const find = (which: string): number | undefined =>
      this.#file.all<{ seq: number | null }>(
        `SELECT min(seq) AS seq FROM registrations INDEXED BY registrations_turn
         WHERE state = 'pending' AND is_filed = 1 AND failures ${which}`,
      )[0]?.seq ?? undefined
    const all = [unfiled, find('= 0'), find('> 0')].filter((seq) => seq !== undefined)
    return all.length === 0 ? undefined : Math.min(...all)
  }

  /**
   * The rows to send next, at most one for each client and each card.
   *
   * @param live sequence numbers that go first
   * @param held systems that take nothing now
   */
  next(
    limit: number,
    resting: ReadonlySet<string>,
    live: readonly number[],
    held: ReadonlySet<System>,
  ): number[] {
    const chosen: number[] = []
    const taken = { subject: new Set<number>(), card: new Set<number>() }
    const isTaken = ({ subject, card }: Waiting, by: typeof taken): boolean =>
      (subject !== null && by.subject.has(subject)) || (card !== null && by.card.has(card))
    const take = ({ subject, card }: Waiting, by: typeof taken): void => {
      if (subject !== null) by.subject.add(subject)
      if (card !== null) by.card.add(card)
    }
    const consider = (row: Waiting): void => {
      if (
        resting.has(row.id) ||
        held.has(row.system) ||
        chosen.includes(row.seq) ||
        isTaken(row, taken) ||
        this.#mustWait(row)
      )
        return
      take(row, taken)
      chosen.push(row.seq)
    }

    for (const row of this.#waiting(live)) if (chosen.length < limit) consider(row)
    // In turn, everything earlier was looked at before: who met it need not be asked for again.
    const met = { subject: new Set<number>(), card: new Set<number>() }
    for (const row of this.#withoutFailures()) {
      if (chosen.length >= limit) return chosen
      if (!isTaken(row, met)) consider(row)
      take(row, met)
    }
    for (const row of this.#filed((row) => row.failures > 0, 1)) {
      if (chosen.length >= limit) break
      consider(row)
    }
    return chosen
  }

  /**
   * The first row that waits for these and for no other. Sent right after they failed, it shows whether the fault is theirs.
   *
   * @param passed sequence numbers
   */
  behind(
    passed: readonly number[],
    resting: ReadonlySet<string>,
    held: ReadonlySet<System>,
  ): number | undefined {
    const followers = new Map<number, Waiting>()
    for (const ahead of this.#waiting(passed)) {
      for (const same of ['subject', 'card'] as const) {
        for (const row of this.#later(ahead, same)) followers.set(row.seq, row)
      }
    }
    return [...followers.values()]
      .sort((a, b) => a.seq - b.seq)
      .find((row) => !resting.has(row.id) && !held.has(row.system) && !this.#mustWait(row, passed))?.seq
  }

  /** By sequence. */
  *#withoutFailures(): Generator<Waiting> {
    const unfiled = [...this.#unfiled.values()]
    let next = 0
    for (const row of this.#filed((row) => row.failures === 0, 0)) {
      // A dead letter that was revived is filed among them.
      for (
        let earlier = unfiled[next];
        earlier !== undefined && earlier.seq < row.seq;
        earlier = unfiled[next]
      ) {
        yield earlier
        next += 1
      }
      yield row
    }
    yield* unfiled.slice(next)
  }

  /** Filed rows in turn, from the first with so many failures, for as long as they fit. */
  *#filed(fits: (row: Waiting) => boolean, failures: number): Generator<Waiting> {
    let last = { failures, seq: 0 }
    for (;;) {
      const rows = this.#file.all<RawWaiting>(
        `SELECT ${waitingColumns} FROM registrations INDEXED BY registrations_turn
         WHERE state = 'pending' AND is_filed = 1 AND (failures, seq) > ($failures, $seq)
         ORDER BY failures, seq LIMIT ${String(chunk)}`,
        last,
      )
      for (const raw of rows) {
        const row = asWaiting(raw)
        if (!fits(row)) return
        yield row
        last = { failures: row.failures, seq: row.seq }
      }
      if (rows.length < chunk) return
    }
  }

  /** Those of them that are pending, in turn. */
  #waiting(seqs: readonly number[]): Waiting[] {
    const found = seqs.flatMap((seq) => {
      const row = this.#file.all<RawWaiting>(
        `SELECT ${waitingColumns} FROM registrations WHERE seq = $seq AND state = 'pending'`,
        { seq },
      )[0]
      return row === undefined ? [] : [asWaiting(row)]
    })
    return found.sort((a, b) => a.failures - b.failures || a.seq - b.seq)
  }

  /** Later pending rows of the same client or card. */
  #later({ seq, ...row }: Waiting, same: 'subject' | 'card'): Waiting[] {
    const value = row[same]
    if (value === null) return []
    const filed = this.#file.all<RawWaiting>(
      `SELECT ${waitingColumns} FROM registrations INDEXED BY registrations_${same}
       WHERE state = 'pending' AND is_filed = 1 AND ${same} = $value AND seq > $seq`,
      { value, seq },
    )
    const unfiled = [...this.#unfiled.values()].filter((other) => other.seq > seq && other[same] === value)
    return [...filed.map(asWaiting), ...unfiled]
  }

  /** Whether an earlier row has to go first, other than those that are `passed`. */
  #mustWait(row: Waiting, passed: readonly number[] = []): boolean {
    return this.#isBehind(row, 'subject', passed) || this.#isBehind(row, 'card', passed)
  }

  #isBehind(row: Waiting, same: 'subject' | 'card', passed: readonly number[]): boolean {
    const value = row[same]
    if (value === null) return false
    for (const other of this.#unfiled.values()) {
      if (other.seq >= row.seq) break
      if (other[same] === value && !passed.includes(other.seq)) return true
    }
    const earlier = this.#file.all<{ seq: number }>(
      `SELECT seq FROM registrations INDEXED BY registrations_${same}
       WHERE state = 'pending' AND is_filed = 1 AND ${same} = $value AND seq < $seq AND failures < ${String(patience)}`,
      { value, seq: row.seq },
    )
    return earlier.some(({ seq }) => !passed.includes(seq))
  }
}

function asWaiting(row: RawWaiting): Waiting {
  return { ...row, id: asUuid(row.id) }
}
