import Sqlite from 'better-sqlite3'

/** What the server holds, as far as it tells what was done and how often. */
export interface Stored {
  /** Of every request that was done, in the order in which they were: the key it came under. */
  keys: { scope: string; key: string }[]
  cards: { uid: string; codigo: string }[]
  counts: Record<
    | 'clients'
    | 'clientsWithCards'
    | 'consents'
    | 'citizens'
    | 'citizensAudited'
    | 'accounts'
    | 'kiosksOutOfService'
    | 'kioskCases',
    number
  >
}

/** Looks at the server's file from beside the server: sees only what is committed. */
export class StoredReader implements Disposable {
  readonly #database: Sqlite.Database
  readonly #version: Sqlite.Statement
  readonly #keys: Sqlite.Statement
  readonly #cards: Sqlite.Statement
  readonly #counts: Sqlite.Statement
  #read: { version: unknown; stored: Stored } | undefined

  constructor(path: string) {
    this.#database = new Sqlite(path, { readonly: true, fileMustExist: true })
    const prepare = (sql: string): Sqlite.Statement => this.#database.prepare(sql)
    this.#version = prepare('PRAGMA data_version').pluck()
    this.#keys = prepare('SELECT scope, key FROM idempotency_keys ORDER BY rowid')
    this.#cards = prepare(
      `SELECT uid, codigo_cliente_vlt AS codigo FROM cards JOIN clients ON clients.id = cards.client_id
       ORDER BY uid`,
    )
    this.#counts = prepare(
      `SELECT (SELECT count(*) FROM clients) AS clients,
         (SELECT count(DISTINCT client_id) FROM cards) AS clientsWithCards,
         (SELECT count(*) FROM consents) AS consents,
         (SELECT count(*) FROM digital_registrations) AS citizens,
         (SELECT count(*) FROM audit_events WHERE action = 'digital-registration-created') AS citizensAudited,
         (SELECT count(*) FROM user_accounts) AS accounts,
         (SELECT count(*) FROM kiosks WHERE state <> 'active') AS kiosksOutOfService,
         (SELECT count(*) FROM staff_cases WHERE kiosk_id IS NOT NULL) AS kioskCases`,
    )
  }

  /** The very same object until something else is committed. */
  read(): Stored {
    const version = this.#version.get()
    const known = this.#read
    if (known !== undefined && known.version === version) return known.stored
    const stored = { keys: this.#keys.all(), cards: this.#cards.all(), counts: this.#counts.get() } as Stored
    this.#read = { version, stored }
    return stored
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}
