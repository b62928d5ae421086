import { AppError } from '../../shared/errors.ts'
import { note, thisUser, type Actor } from './audit.ts'
import type { OutboxFile } from './file.ts'
import { newDataKey, readKeyring, writeKeyring, type KeyPlace, type Keyring } from './keyring.ts'
import { pageRows } from './read.ts'
import { placeOf, type RawRow } from './rows.ts'
import type { Part } from './seal.ts'

/** Rows of one transaction: it must never hold up a tap for long. */
const rowsAtOnce = 200

/** A data key, without the key. */
export interface ListedKey {
  number: number
  createdAt: string
  use: 'seals' | 'opens'
}

/** The keys that seal the outbox, and their rotation. */
export class Keys {
  readonly #file: OutboxFile
  readonly #place: KeyPlace

  constructor(file: OutboxFile, place: KeyPlace) {
    this.#file = file
    this.#place = place
  }

  /** A rotation that was cut short between keys file and outbox goes on. */
  resume(): void {
    if (this.#keyring().data.length === 1 || this.resealedThrough !== null) return
    this.#file.write(() => this.#file.statement('UPDATE outbox SET resealed_through = 0').run())
  }

  list(): ListedKey[] {
    const newest = this.#file.seals.newestKey
    return this.#keyring().data.map(({ number, createdAt }) => ({
      number,
      createdAt,
      use: number === newest ? 'seals' : 'opens',
    }))
  }

  /** Puts a new data key in front, in file and memory; answers its number. `reseal` then takes the old ones out of use. */
  rotate(actor: Actor = thisUser()): number {
    const file = this.#file
    const keyring = this.#keyring()
    const number = Math.max(...keyring.data.map((key) => key.number)) + 1
    this.#use({ ...keyring, data: [newDataKey(number, file.clock.now()), ...keyring.data] })
    file.write(() => {
      file.statement('UPDATE outbox SET resealed_through = 0').run()
      note(file, actor, { action: 'rotate-keys', detail: `key ${String(number)}` })
    })
    return number
  }

  /** Rows up to here are under the newest key; null where all are. */
  get resealedThrough(): number | null {
    const [row] = this.#file.all<{ through: number | null }>('SELECT resealed_through AS through FROM outbox')
    return row?.through ?? null
  }

  /**
   * Seals a few rows more under the newest key; answers whether there are others. After the last, the old keys leave the
   * keys file: what they had sealed exists no more.
   */
  reseal(): boolean {
    const file = this.#file
    const through = this.resealedThrough
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
    const keyring = this.#keyring()
    this.#use({ ...keyring, data: keyring.data.filter(({ number }) => number === file.seals.newestKey) })
    return false
  }

  #use(keyring: Keyring): void {
    writeKeyring(this.#place, keyring)
    this.#file.seals.use(keyring)
  }

  #keyring(): Keyring {
    const keyring = readKeyring(this.#place)
    if (keyring === undefined) throw new AppError('outbox-key-missing', `${this.#place.path} is not there`)
    return keyring
  }
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
