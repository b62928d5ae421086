import type { Statement } from 'better-sqlite3'
import type { Outbox } from '../../agent/outbox/outbox.ts'
import type { StoredRegistration } from '../../agent/outbox/registration.ts'
import { handleOf } from './sqlite-handles.ts'

type Raw = (string | number | Buffer | null)[]

/** All rows of an outbox, of which only those are opened anew whose bytes in the file have changed. */
export class OpenedRows {
  readonly #outbox: Outbox
  readonly #every: Statement
  #raw = new Map<number, Raw>()
  #opened = new Map<number, StoredRegistration>()

  constructor(outbox: Outbox, path: string) {
    this.#outbox = outbox
    this.#every = handleOf(path).prepare('SELECT seq, * FROM every_registration ORDER BY seq').raw()
  }

  /** By sequence. Throws what the outbox throws. */
  read(): StoredRegistration[] {
    const raw = new Map(this.#all().map(([seq, ...rest]) => [seq, rest]))
    const opened = new Map<number, StoredRegistration>()
    for (const [seq, row] of raw) {
      const known = isSame(row, this.#raw.get(seq)) ? this.#opened.get(seq) : undefined
      const [read] = known === undefined ? this.#outbox.page(seq - 1, 1) : [known]
      if (read !== undefined) opened.set(seq, read)
    }
    this.#raw = raw
    this.#opened = opened
    return [...opened.values()]
  }

  #all(): [number, ...Raw][] {
    try {
      return this.#every.all() as [number, ...Raw][]
    } catch (error) {
      // Damage: the outbox itself has to find it.
      this.#outbox.page(0, 1000)
      throw error
    }
  }
}

function isSame(row: Raw, before: Raw | undefined): boolean {
  return (
    before?.every((value, place) => {
      const now = row[place]
      return Buffer.isBuffer(value) ? Buffer.isBuffer(now) && value.equals(now) : value === now
    }) === true
  )
}
