import type { Clock } from '../../shared/clock.ts'
import { AppError, type ErrorCode } from '../../shared/errors.ts'
import { accept, acceptOnce, bootId } from './accept.ts'
import { Ballast } from './ballast.ts'
import { countAll, watermarkOf } from './counts.ts'
import { sqliteVersion } from './database.ts'
import { OutboxFile } from './file.ts'
import { dropBornMarker, outboxPath, prepareDataFolder } from './folder.ts'
import { keyPlace, type KeyPlace } from './keyring.ts'
import { Keys } from './keys.ts'
import { Letters } from './letters.ts'
import { MarkFile } from './mark.ts'
import { compactMigrated } from './migrate.ts'
import { openOutboxDatabase, type OpenDatabase } from './open.ts'
import { Order } from './order.ts'
import { deliveredOfClient, findRow, listRows, pageRows, readId, readSeq } from './read.ts'
import { finishSwap, recoverOutbox, type Recovery } from './recover.ts'
import type {
  NewRegistration,
  OutboxCounts,
  RegistrationState,
  Settlement,
  StoredRegistration,
  System,
  Watermark,
} from './registration.ts'
import { defaultLimits, Room, type Fill, type Limits } from './room.ts'
import { openRow, showRow } from './rows.ts'
import { Seals } from './seal.ts'
import { blame, markLost, noteSent, settle } from './settle.ts'
import { Upkeep } from './upkeep.ts'

/** Most registrations of one batch. */
export const maxBatch = 200

export interface OutboxOptions {
  limits?: Partial<Limits>
  /** File with the secret that wraps the keys file. */
  keySecretFile?: string | undefined
}

/**
 * The durable queue between a tap and the server. Every call is one synchronous transaction that is on the disk
 * when it returns; every call may throw `disk-full`, `storage-failed` or `outbox-corrupt`, and then changed nothing.
 */
export class Outbox implements Disposable {
  readonly #file: OutboxFile
  readonly #order: Order
  readonly #room: Room
  readonly #ballast: Ballast
  /** What this opening had to salvage. */
  readonly recovery: Recovery | undefined
  /** What people do with dead letters. */
  readonly letters: Letters
  readonly keys: Keys
  readonly upkeep: Upkeep

  private constructor(parts: {
    file: OutboxFile
    ballast: Ballast
    keys: KeyPlace
    limits: Limits
    recovery: Recovery | undefined
  }) {
    const { file, ballast, keys, limits, recovery } = parts
    this.#file = file
    this.#ballast = ballast
    this.#order = new Order(file)
    this.#room = new Room(file, limits)
    this.recovery = recovery
    this.letters = new Letters(file)
    this.keys = new Keys(file, keys)
    this.upkeep = new Upkeep(file, this.#order, ballast)
  }

  /**
   * Opens the outbox, makes it where there never was one, and salvages it where it is damaged: what can be read goes on in
   * a new epoch, what was lost is counted (`recovery`). Throws what openOutboxDatabase and recoverOutbox throw.
   */
  static open(dataFolder: string, clock: Clock, { limits, keySecretFile }: OutboxOptions = {}): Outbox {
    prepareDataFolder(dataFolder)
    const keys = keyPlace(dataFolder, keySecretFile)
    const path = outboxPath(dataFolder)
    finishSwap(dataFolder)
    let recovery: Recovery | undefined
    let opened: OpenDatabase
    try {
      opened = openOutboxDatabase(dataFolder, clock, keys)
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'outbox-corrupt')) throw error
      recovery = recoverOutbox(dataFolder, clock, keys)
      opened = openOutboxDatabase(dataFolder, clock, keys)
    }
    const { database, keyring, epoch } = opened
    try {
      compactMigrated(database)
      const ballast = new Ballast(path)
      ballast.lay()
      const mark = new MarkFile(path, epoch)
      const file = new OutboxFile({
        database,
        path,
        clock,
        seals: new Seals(keyring, epoch),
        epoch,
        mark,
        ballast,
        bootId,
      })
      mark.settle(file.highestSeq)
      dropBornMarker(path)
      const outbox = new Outbox({ file, ballast, keys, limits: { ...defaultLimits, ...limits }, recovery })
      outbox.keys.resume()
      return outbox
    } catch (error) {
      database.close()
      throw error
    }
  }

  /**
   * Accepts a registration: mints its idempotency key and answers once the row is on the disk. Throws `outbox-full` too,
   * and `disk-full` while there is still room for what the server answers.
   */
  append(registration: NewRegistration): StoredRegistration {
    this.#room.claim()
    return accept(this.#file, this.#order, registration)
  }

  /**
   * Accepts a part of a list in one transaction, and of equal content only the first that ever came from a list:
   * whoever repeats an import that was interrupted repeats no registration. Answers how many are new. Throws as append
   * does.
   */
  appendOnce(registrations: readonly NewRegistration[]): number {
    this.#room.claim()
    return acceptOnce(this.#file, this.#order, registrations)
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
    const first = [...live].map((id) => readId(this.#file, id).seq)
    return this.#open(this.#order.next(Math.min(limit, maxBatch), new Set(resting), first, new Set(held)))
  }

  /**
   * The first registration that waits for these and for no other, or undefined: of their client or card, and accepted later.
   *
   * @param passed ids
   * @param resting ids that are not to be sent either
   */
  behind(
    passed: readonly string[],
    resting: Iterable<string>,
    held: Iterable<System> = [],
  ): StoredRegistration | undefined {
    const seqs = passed.map((id) => readId(this.#file, id).seq)
    const seq = this.#order.behind(seqs, new Set(resting), new Set(held))
    return seq === undefined ? undefined : this.#open([seq])[0]
  }

  /** Those of them that can be read; what cannot is lost, and told so. */
  #open(seqs: readonly number[]): StoredRegistration[] {
    return seqs.flatMap((seq) => {
      const row = readSeq(this.#file, seq)
      if (row === undefined) return []
      try {
        return [openRow(this.#file.seals, row)]
      } catch (error) {
        if (!(error instanceof AppError && error.code === 'registration-damaged')) throw error
        markLost(this.#file, this.#order, row)
        return []
      }
    })
  }

  /** What became of a batch, in one transaction. A registration that is settled already stays as it is. */
  settleAll(results: readonly Settlement[]): void {
    const found = results.map((result) => ({ ...result, seq: readId(this.#file, result.id).seq }))
    settle(this.#file, this.#order, found)
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
    noteSent(this.#file, readId(this.#file, id).seq)
  }

  /** An attempt failed and will be repeated. */
  recordAttempt(id: string, error: ErrorCode): void {
    this.settleAll([{ id, state: 'pending', error }])
  }

  /** The failed attempt was this row's own fault: others got through. Answers its failures so far. */
  blame(id: string): number {
    return blame(this.#file, this.#order, readId(this.#file, id).seq)
  }

  /** Throws `registration-unknown`. */
  get(id: string): StoredRegistration {
    return showRow(this.#file.seals, readId(this.#file, id))
  }

  /**
   * By id, or by as much of its start as tells it from the others: the kiosk page shows six characters.
   * Throws `registration-unknown`.
   */
  find(idOrStart: string): StoredRegistration {
    return showRow(this.#file.seals, findRow(this.#file, idOrStart))
  }

  /** Receipts of the same client's other registrations that the server has answered; those of the last day. */
  receiptsOfClient(id: string): string[] {
    const rows = deliveredOfClient(this.#file, id)
    return rows.flatMap((row) => showRow(this.#file.seals, row).receipt ?? [])
  }

  /** Newest first, `limit` at most, below `beforeSeq`. */
  list(
    limit: number,
    beforeSeq: number = Number.MAX_SAFE_INTEGER,
    state?: RegistrationState,
  ): StoredRegistration[] {
    return listRows(this.#file, limit, beforeSeq, state).map((row) => showRow(this.#file.seals, row))
  }

  /** Oldest first, `limit` at most, above `afterSeq`. */
  page(afterSeq: number, limit: number): StoredRegistration[] {
    return pageRows(this.#file, afterSeq, limit).map((row) => showRow(this.#file.seals, row))
  }

  counts(): OutboxCounts {
    return countAll(this.#file, this.#order)
  }

  get epoch(): string {
    return this.#file.epoch
  }

  watermark(): Watermark {
    return watermarkOf(this.#file)
  }

  fill(): Fill {
    return this.#room.fill
  }

  /** Every salvage there was, newest first. */
  recoveries(): Recovery[] {
    return this.#file.all<Recovery>(
      'SELECT at, set_aside AS setAside, salvaged, lost FROM recoveries ORDER BY at DESC LIMIT 100',
    )
  }

  /** How the file stands: for `doctor`. */
  inspect(): { sqlite: string; synchronous: number; journalMode: string; ballast: boolean } {
    return this.#file.guarded(() => ({
      sqlite: sqliteVersion(this.#file.database),
      synchronous: Number(this.#file.database.pragma('synchronous', { simple: true })),
      journalMode: String(this.#file.database.pragma('journal_mode', { simple: true })),
      ballast: this.#ballast.isLaid,
    }))
  }

  /** The server has answered and said what time it is (an HTTP date): see PassedTime. */
  heard(serverDate: string): void {
    this.#file.time.heard(serverDate)
  }

  /**
   * Aborts, with the AppError as its reason, when the file turns out damaged in use. From then on every call throws
   * that; the next opening salvages what can be read.
   */
  get damaged(): AbortSignal {
    return this.#file.damaged
  }

  /** Proves that the outbox still takes a write; throws where it does not. */
  probe(): void {
    this.#file.write(() => this.#file.statement('UPDATE outbox SET opened_at = opened_at').run())
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]()
  }
}
