import { AppError } from '../../shared/errors.ts'
import { openModel, type Database } from './database.ts'
import { importedInVersion1 } from './imported.ts'
import type { Keyring } from './keyring.ts'
import type { Mark } from './mark.ts'
import { inspect, placeOf, type LiveRow, type RawRow, type Removed } from './rows.ts'
import { schema } from './schema.ts'
import { nextLink, Seals, type Part } from './seal.ts'
import { sealVersion1, type Version1Row } from './version-1.ts'

/** A row as the new outbox takes it, once it is known which link it follows. */
export type Salvaged = (previousLink: Uint8Array) => LiveRow | (RawRow & { body: null })

/** What can still be read of a damaged outbox. Nothing of it throws: what cannot be read is not there. */
export interface DamagedOutbox {
  /** Whether its rows were sealed, so that they are lost without their keys. */
  readonly isSealed: boolean
  /** Tombstones that were gone before. */
  readonly removed: Removed | undefined
  /** Told as lost before. */
  readonly lostBefore: number
  /** Every row that can be read and opened, in order; tells which of their bodies came from lists. */
  rows(keyring: Keyring, seals: Seals, onImported: (body: string) => void): Iterable<Salvaged>
  /** The highest sequence number given out, as far as it can be told; after `rows`. */
  highestSeq(): number
  /** Brings over what people did and what was salvaged before. */
  copyHistory(to: Database): void
}

/** A page of the file holds fewer rows than this; it bounds how many lost ones are looked for. */
const maxRowsPerPage = 64

/** `mark` is what stands beside the file. */
export function readDamaged(database: Database | undefined, mark: Mark | undefined): DamagedOutbox {
  const value = (sql: string): unknown => attempt(() => database?.prepare(sql).pluck().get())
  const number = (sql: string): number => Number(value(sql) ?? 0)
  const has = (column: string): boolean =>
    value(`SELECT count(${column}) FROM registrations WHERE 0`) !== undefined
  const isSealed = mark !== undefined || has('link')
  const isVersion1 = !isSealed && has('receipt')
  const mostRows = (number('PRAGMA page_count') + 1) * maxRowsPerPage
  const removed = attempt(
    () =>
      database?.prepare('SELECT removed_through, removed_delivered, removed_discarded FROM outbox').get() as
        Removed | undefined,
  )
  let lastRead = 0
  const imported = readBothWays(database, 'imported', 'key')

  /** Past a row that cannot be read it goes on number by number until it meets one that can. */
  function* read(table: string): Generator<RawRow | Version1Row> {
    const next = attempt(() =>
      database?.prepare(`SELECT * FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT 1`).raw(),
    )
    const names = attempt(() => columnNames(next?.columns() ?? [], isSealed ? table : undefined)) ?? []
    const named = (cells: unknown[] | undefined): RawRow | Version1Row | undefined =>
      cells && (Object.fromEntries(names.map((name, place) => [name, cells[place]])) as unknown as RawRow)
    let after = 0
    for (let looks = 0; next !== undefined && looks < 2 * mostRows; looks++) {
      const found = attempt(() => ({ row: named(next.get(after) as unknown[] | undefined) }))
      if (found === undefined) after += 1
      else if (found.row === undefined) return
      else {
        after = found.row.seq
        yield table === 'tombstones' ? { ...(found.row as RawRow), body: null } : found.row
      }
    }
  }

  return {
    isSealed,
    removed,
    lostBefore: number('SELECT lost FROM outbox'),
    *rows(keyring, seals, onImported) {
      if (isVersion1) {
        const keys = imported.rows.map((row) => (row as { key: Uint8Array }).key)
        const isImported = importedInVersion1(keys, String(value('SELECT epoch FROM outbox')))
        for (const raw of read('registrations')) {
          const row = raw as Version1Row
          const salvaged: Salvaged = (link) => sealVersion1(seals, link, row)
          if (attempt(() => salvaged(Buffer.alloc(32))) === undefined) continue
          if (isImported(row.body)) onImported(row.body)
          lastRead = row.seq
          yield salvaged
        }
        return
      }
      // Either copy of the epoch may be the damaged one.
      const epochs = new Set(
        [mark?.epoch, value('SELECT epoch FROM outbox')].filter((epoch) => typeof epoch === 'string'),
      )
      const old = [...epochs].map((epoch) => new Seals(keyring, epoch))
      for (const row of inOrder(read('registrations'), read('tombstones'))) {
        const salvaged = attempt(() => salvage(old, seals, row))
        if (salvaged === undefined) continue
        // Where not all is known of lists, whatever may be from one counts: it is here, and need not come again.
        if (!imported.isWhole && row.reader_id === null) {
          const body = attempt(() => bodyOf(old, row))
          if (body !== undefined) onImported(body)
        }
        lastRead = row.seq
        yield salvaged
      }
    },
    highestSeq() {
      const claims = [
        number(`SELECT seq FROM sqlite_sequence WHERE name = 'registrations'`),
        number('SELECT seq_floor FROM outbox'),
      ]
      // A number that no such file could have reached is damage too.
      const believable = claims.filter((claim) => claim <= lastRead + mostRows)
      return Math.max(mark?.highestSeq ?? 0, lastRead, ...believable)
    },
    copyHistory(to) {
      const insert = (table: string, columns: string[], rows: unknown[]): void => {
        const statement = to.prepare(
          `INSERT OR IGNORE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((name) => `$${name}`).join(', ')})`,
        )
        for (const row of rows) attempt(() => statement.run(row))
      }
      const copy = (table: string, by: string, columns: string[]): void => {
        insert(table, columns, readBothWays(database, table, by).rows)
      }
      copy('audit', 'number', ['number', 'at', 'uid', 'user', 'action', 'registration', 'detail'])
      copy('recoveries', 'rowid', ['at', 'set_aside', 'salvaged', 'lost'])
      copy('earlier_ids', 'id', ['id', 'seq'])
      if (isSealed) insert('imported', ['key'], imported.rows)
    },
  }
}

/** As they should be where there are as many: damage may have changed the text of the schema and nothing else. */
function columnNames(found: { name: string }[], table: string | undefined): string[] {
  if (table !== undefined) {
    const model = openModel(schema)
    const whole = model.prepare(`SELECT * FROM ${table}`).columns()
    model.close()
    if (whole.length === found.length) return whole.map(({ name }) => name)
  }
  return found.map(({ name }) => name)
}

/** A table from its beginning to where it is damaged, and from its end. */
function readBothWays(
  database: Database | undefined,
  table: string,
  by: string,
): { rows: unknown[]; isWhole: boolean } {
  const rows: unknown[] = []
  const read = (direction: 'ASC' | 'DESC'): true | undefined =>
    attempt(() => {
      const all = database?.prepare(`SELECT * FROM ${table} ORDER BY ${by} ${direction}`).iterate() ?? []
      for (const row of all) rows.push(row)
      return true
    })
  const isWhole = read('ASC') === true
  if (!isWhole) read('DESC')
  return { rows, isWhole }
}

/** Opens a row with one of the old seals, and seals it anew. Undefined when none opens it. */
function salvage(old: readonly Seals[], seals: Seals, row: RawRow): Salvaged | undefined {
  for (const before of old) {
    const found = inspect(before, row)
    if (found === 'lost') continue
    const kept: RawRow =
      found === 'sound' ? row : { ...row, state: 'pending', outcome: null, reason: null, settled_at: null }
    const sealed = (part: Part): Buffer | null => {
      const text = kept[part]
      return text === null ? null : seals.seal(placeOf(kept), part, before.open(placeOf(kept), part, text))
    }
    const anew = { ...kept, outcome: sealed('outcome'), reason: sealed('reason') }
    const body = sealed('body')
    return (link) => {
      const linked = { ...anew, link: nextLink(link, placeOf(kept), kept.digest) }
      return body === null ? { ...linked, body } : { ...(linked as unknown as LiveRow), body, is_filed: 1 }
    }
  }
  return undefined
}

/** Undefined for a tombstone, which has none. */
function bodyOf(old: readonly Seals[], row: RawRow): string | undefined {
  const { body } = row
  if (body === null || row.system !== 'vlt-clients') return undefined
  const before = old.find((seals) => inspect(seals, row) !== 'lost')
  return before?.open(placeOf(row), 'body', body)
}

function* inOrder(
  one: Generator<RawRow | Version1Row>,
  other: Generator<RawRow | Version1Row>,
): Generator<RawRow> {
  let [a, b] = [one.next(), other.next()]
  while (a.done !== true || b.done !== true) {
    if (b.done === true || (a.done !== true && a.value.seq < b.value.seq)) {
      yield a.value as RawRow
      a = one.next()
    } else {
      yield b.value as RawRow
      b = other.next()
    }
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof AppError && error.code !== 'registration-damaged') throw error
    return undefined
  }
}
