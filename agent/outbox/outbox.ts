import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../shared/clock.ts'
import { AppError, type ErrorCode } from '../../shared/errors.ts'
import { accept, acceptOnce, bootId } from './accept.ts'
import { listAudit, note, thisUser, type Actor, type AuditEntry } from './audit.ts'
import { Ballast } from './ballast.ts'
import { sqliteVersion } from './database.ts'
import { OutboxFile } from './file.ts'
import { dropBornMarker, isReportedDamaged, outboxPath, prepareDataFolder } from './folder.ts'
import { keyPlace, type KeyPlace } from './keyring.ts'
import { countCauses, discardLetter, fixLetter, retryLetter, retryLetters } from './letters.ts'
import { MarkFile } from './mark.ts'
import { compactMigrated } from './migrate.ts'
import { openOutboxDatabase, type OpenDatabase } from './open.ts'
import { Order } from './order.ts'
import { countUnconfirmed, deliveredOfClient, findRow, listRows, pageRows, readId, readSeq } from './read.ts'
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
import {
  bury,
  forgetTombstones,
  giveBack,
  heldKeyring,
  reseal,
  resealedThrough,
  resumeRotation,
  rotateKeys,
} from './upkeep.ts'
import { mend, verify, type Verification } from './verify.ts'

/** Most registrations of one batch. */
export const maxBatch = 200

export interface OutboxOptions {
  limits?: Partial<Limits>
  /** File with the secret that wraps the keys file. */
  keySecretFile?: string | undefined
}

/** A data key, without the key. */
export interface ListedKey {
  number: number
  createdAt: string
  use: 'seals' | 'opens'
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
  readonly #keys: KeyPlace
  /** What this opening had to salvage. */
  readonly recovery: Recovery | undefined

  private constructor(parts: {
    file: OutboxFile
    ballast: Ballast
    keys: KeyPlace
    limits: Limits
    recovery: Recovery | undefined
  }) {
    this.#file = parts.file
    this.#ballast = parts.ballast
    this.#keys = parts.keys
    this.recovery = parts.recovery
    this.#order = new Order(parts.file)
    this.#room = new Room(parts.file, parts.limits)
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
      })
      mark.settle(file.highestSeq)
      dropBornMarker(path)
      resumeRotation(file, keyring)
      return new Outbox({ file, ballast, keys, limits: { ...defaultLimits, ...limits }, recovery })
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
    const { delivered, dead, discarded, lost } = this.#file.tally
    const oldestPendingSeconds = this.#oldestPendingSeconds()
    const unconfirmed = countUnconfirmed(this.#file)
    return {
      pending: this.#file.pending,
      delivered,
      unconfirmed,
      dead,
      discarded,
      lost,
      oldestPendingSeconds,
    }
  }

  get epoch(): string {
    return this.#file.epoch
  }

  watermark(): Watermark {
    const { delivered, dead, discarded, lost } = this.#file.tally
    const { epoch, highestSeq, pending } = this.#file
    const chainHead = Buffer.from(this.#file.link).toString('hex')
    return { epoch, highestSeq, accepted: highestSeq, delivered, dead, discarded, lost, pending, chainHead }
  }

  /** Sends a dead letter again, under its old key. Throws `registration-unknown` or `registration-settled`. */
  retry(id: string, actor: Actor = thisUser()): void {
    retryLetter(this.#file, readId(this.#file, id), actor)
  }

  /** Sends every dead letter again, or every one of a cause; answers how many. */
  retryAll(cause?: ErrorCode, actor: Actor = thisUser()): number {
    return retryLetters(this.#file, cause, actor)
  }

  /** Sends a dead letter again with another body (JSON text), under its old key. Throws as retry does. */
  fix(id: string, body: string, actor: Actor = thisUser()): void {
    fixLetter(this.#file, readId(this.#file, id), body, actor)
  }

  /** Gives up a dead letter; the row stays, with the reason. Throws as retry does. */
  discard(id: string, reason: string, actor: Actor = thisUser()): void {
    discardLetter(this.#file, readId(this.#file, id), reason, actor)
  }

  /** How many dead letters there are of each cause. */
  deadLetterCauses(): Record<string, number> {
    return countCauses(this.#file)
  }

  /** What people did here, newest first. */
  audit(limit: number): AuditEntry[] {
    return listAudit(this.#file, limit)
  }

  /** Everything was written to a file by somebody. */
  noteExport(actor: Actor): void {
    this.#file.write(() => {
      note(this.#file, actor, { action: 'export' })
    })
  }

  /**
   * Removes the bodies of registrations delivered or discarded before `before` (ISO 8601), a few hundred at a time, and
   * answers how many: the server has the client's data, and this machine stands in a lobby. Key, state and receipt stay.
   */
  forgetDelivered(before: string): number {
    return bury(this.#file, Date.parse(before))
  }

  /** Removes what is left of registrations settled before `before` (ISO 8601), a few hundred at a time; answers how many. */
  forgetTombstones(before: string): number {
    return forgetTombstones(this.#file, Date.parse(before))
  }

  /** Takes a few accepted registrations into the indexes that order them; answers whether there are others. */
  fileOldest(): boolean {
    return this.#order.fileOldest()
  }

  /** Gives room back to the disk, a piece at a time; answers whether there is more. */
  giveBack(): boolean {
    return giveBack(this.#file)
  }

  /** Puts a new data key in front; answers its number. `reseal` does the rest. */
  rotateKeys(actor: Actor = thisUser()): number {
    return rotateKeys(this.#file, this.#keys, actor)
  }

  /** Seals a few rows more under the newest key; answers whether there are others. */
  reseal(): boolean {
    return reseal(this.#file, this.#keys)
  }

  keys(): ListedKey[] {
    const newest = this.#file.seals.newestKey
    return heldKeyring(this.#keys).data.map(({ number, createdAt }) => ({
      number,
      createdAt,
      use: number === newest ? 'seals' : 'opens',
    }))
  }

  /** Of how many registrations the first are under the newest key; null when all are. */
  get resealedThrough(): number | null {
    return resealedThrough(this.#file)
  }

  /** Reads the whole file and proves from it what the counts say; others go on in between. */
  verify(): Promise<Verification> {
    return verify(this.#file, () => nextTurn())
  }

  /** Looks through a few rows above `afterSeq` for damage; answers where to go on, undefined at the end. */
  mend(afterSeq: number): number | undefined {
    return mend(this.#file, this.#order, afterSeq)
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

  /** Puts the ballast back where it was given up and there is room again. */
  layBallast(): void {
    this.#ballast.lay()
  }

  /** Proves that the outbox still takes a write; throws where it does not. */
  probe(): void {
    if (isReportedDamaged(this.#file.path))
      throw new AppError('outbox-corrupt', 'the outbox turned out damaged: the next start salvages it')
    this.#file.write(() => this.#file.statement('UPDATE outbox SET opened_at = opened_at').run())
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]()
  }

  /** By the monotonic clock where the row is of this boot, else by the wall clock, which may have been set since. */
  #oldestPendingSeconds(): number | null {
    const seq = this.#order.oldest()
    if (seq === undefined) return null
    const oldest = this.#file.all<{ at: number; monoMs: number; bootId: Uint8Array }>(
      'SELECT created_at AS at, created_mono_ms AS monoMs, boot_id AS bootId FROM registrations WHERE seq = $seq',
      { seq },
    )[0]
    if (oldest === undefined) return null
    const { clock } = this.#file
    const ageMs = bootId.equals(oldest.bootId)
      ? clock.monoMs() - oldest.monoMs
      : Date.parse(clock.now()) - oldest.at
    return Math.max(0, Math.round(ageMs / 1000))
  }
}
