import { AppError } from '../../shared/errors.ts'
import { note, type Actor } from './audit.ts'
import type { OutboxFile } from './file.ts'
import { newDataKey, readKeyring, writeKeyring, type KeyPlace, type Keyring } from './keyring.ts'
import { pageRows } from './read.ts'
import { placeOf, type RawRow } from './rows.ts'
import type { Part } from './seal.ts'

/** Rows of one transaction: it must never hold up a tap for long. */
const rowsAtOnce = 200
/** Pages given back in one go. */
const pagesAtOnce = 2_000

/**
 * Turns rows settled before `before` (milliseconds since 1970) into tombstones, a few at a time: the server has the
 * client's data, and this machine stands in a lobby. Key, state, receipt and keyed hash stay. Answers how many.
 */
export function bury(file: OutboxFile, before: number): number {
  return file.write(() => {
    const rows = file
      .statement(
        `SELECT seq FROM registrations INDEXED BY registrations_settled
         WHERE state IN ('delivered', 'discarded') AND settled_at < ? LIMIT ${String(rowsAtOnce)}`,
      )
      .pluck()
      .all(before) as number[]
    const copy = file.statement(
      `INSERT INTO tombstones
         (seq, id, idempotency_key, system, reader_id, consent_text, created_at, state, attempts, failures, last_error, settled_at,
          digest, link, outcome, reason)
       SELECT seq, id, idempotency_key, system, reader_id, consent_text, created_at, state, attempts, failures, last_error, settled_at,
          digest, link, outcome, reason
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
 * Removes the oldest tombstones settled before `before`, a few at a time, up to the first row that is not one: the
 * chain goes on from the last of them. Answers how many.
 */
export function forgetTombstones(file: OutboxFile, before: number): number {
  return file.write(() => {
    const firstLive = file.statement('SELECT min(seq) FROM registrations').pluck().get() as number | null
    const rows = file
      .statement(
        `SELECT seq, state, link, settled_at AS settledAt FROM tombstones WHERE seq < ?
         ORDER BY seq LIMIT ${String(rowsAtOnce)}`,
      )
      .all(firstLive ?? file.highestSeq) as (Pick<RawRow, 'seq' | 'state' | 'link'> & { settledAt: number })[]
    const young = rows.findIndex(({ settledAt }) => settledAt >= before)
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
export function giveBack(file: OutboxFile): boolean {
  return file.guarded(() => {
    const free = (): number => Number(file.database.pragma('freelist_count', { simple: true }))
    if (free() === 0) return false
    file.database.pragma(`incremental_vacuum(${String(pagesAtOnce)})`)
    if (free() > 0) return true
    file.database.pragma('wal_checkpoint(TRUNCATE)')
    return false
  })
}

/** Puts a new data key in front, in file and memory; `reseal` then takes the old ones out of use. */
export function rotateKeys(file: OutboxFile, keys: KeyPlace, actor: Actor): number {
  const keyring = heldKeyring(keys)
  const number = Math.max(...keyring.data.map((key) => key.number)) + 1
  const turned: Keyring = { ...keyring, data: [newDataKey(number, file.clock.now()), ...keyring.data] }
  writeKeyring(keys, turned)
  file.seals.use(turned)
  file.write(() => {
    file.statement('UPDATE outbox SET resealed_through = 0').run()
    note(file, actor, { action: 'rotate-keys', detail: `key ${String(number)}` })
  })
  return number
}

/** A rotation that was cut short between keys file and outbox goes on. */
export function resumeRotation(file: OutboxFile, keyring: Keyring): void {
  if (keyring.data.length > 1 && resealedThrough(file) === null)
    file.write(() => file.statement('UPDATE outbox SET resealed_through = 0').run())
}

/** Rows up to here are under the newest key; null where all are. */
export function resealedThrough(file: OutboxFile): number | null {
  return (
    file.all<{ through: number | null }>('SELECT resealed_through AS through FROM outbox')[0]?.through ?? null
  )
}

/**
 * Seals a few rows more under the newest key; answers whether there are others. After the last, the old keys leave the
 * keys file: what they had sealed exists no more.
 */
export function reseal(file: OutboxFile, keys: KeyPlace): boolean {
  const through = resealedThrough(file)
  if (through === null) return false
  const rows = pageRows(file, through, rowsAtOnce)
  file.write(() => {
    for (const row of rows) resealRow(file, row)
    const last = rows.length < rowsAtOnce ? null : (rows.at(-1)?.seq ?? null)
    file.statement('UPDATE outbox SET resealed_through = ?').run(last)
  })
  if (rows.length === rowsAtOnce) return true
  // What was freed still holds texts under the old keys.
  file.guarded(() => void file.database.pragma('wal_checkpoint(TRUNCATE)'))
  const keyring = heldKeyring(keys)
  const data = keyring.data.filter(({ number }) => number === file.seals.newestKey)
  writeKeyring(keys, { ...keyring, data })
  file.seals.use({ ...keyring, data })
  return false
}

function resealRow(file: OutboxFile, row: RawRow): void {
  const table = row.body === null ? 'tombstones' : 'registrations'
  for (const part of ['body', 'outcome', 'reason'] satisfies Part[]) {
    const sealed = row[part]
    if (sealed === null || file.seals.isNewest(sealed)) continue
    let text: string
    try {
      text = file.seals.open(placeOf(row), part, sealed)
    } catch (error) {
      // Damaged: left as it is, for `queue verify` to tell.
      if (!(error instanceof AppError)) throw error
      continue
    }
    file
      .statement(`UPDATE ${table} SET ${part} = ? WHERE seq = ?`)
      .run(file.seals.seal(placeOf(row), part, text), row.seq)
  }
}

export function heldKeyring(keys: KeyPlace): Keyring {
  const keyring = readKeyring(keys)
  if (keyring === undefined) throw new AppError('outbox-key-missing', `${keys.path} is not there`)
  return keyring
}
