import type { Database } from './database.ts'
import { importedInVersion1, importedRememberer } from './imported.ts'
import type { Keyring } from './keyring.ts'
import { inserter, recount } from './rows.ts'
import { schema, schemaVersion } from './schema.ts'
import { firstLink, Seals } from './seal.ts'
import { sealVersion1, type Version1Row } from './version-1.ts'

const rowsAtOnce = 500

/**
 * Seals an outbox of version 1, in one transaction: ids, keys, numbers, states and epoch stay. What was plain text is
 * overwritten (secure_delete), and `compact` then leaves no page of it.
 */
export function migrateFromVersion1(database: Database, keyring: Keyring): void {
  database.transaction(() => {
    for (const index of ['id', 'pending', 'pending_subject', 'pending_card', 'state'])
      database.exec(`DROP INDEX registrations_${index}`)
    const listed = listedKeys(database)
    database.exec('DROP TABLE IF EXISTS imported')
    database.exec(
      'ALTER TABLE outbox RENAME TO outbox_1; ALTER TABLE registrations RENAME TO registrations_1',
    )
    database.exec(schema)
    const { epoch } = database.prepare('SELECT epoch FROM outbox_1').get() as { epoch: string }
    const seals = new Seals(keyring, epoch)
    database
      .prepare(
        `INSERT INTO outbox (epoch, key_proof, created_at, opened_at, base_link)
         SELECT epoch, ?, created_at, opened_at, x'' FROM outbox_1`,
      )
      .run(seals.proof())

    const insert = inserter(database)
    const isImported = importedInVersion1(listed, epoch)
    const rememberImported = importedRememberer(database, seals)
    const keepId = database.prepare('INSERT INTO earlier_ids (id, seq) VALUES (?, ?)')
    const page = database.prepare('SELECT * FROM registrations_1 WHERE seq > ? ORDER BY seq LIMIT ?')
    let link: Uint8Array = firstLink(epoch)
    let last = 0
    for (;;) {
      const rows = page.all(last, rowsAtOnce) as Version1Row[]
      for (const old of rows) {
        const row = sealVersion1(seals, link, old)
        insert(row)
        if (isImported(old.body)) rememberImported(old.body)
        keepId.run(row.id, row.seq)
        ;({ link, seq: last } = row)
      }
      if (rows.length < rowsAtOnce) break
    }
    const given = database
      .prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'registrations_1'`)
      .pluck()
      .get()
    database.exec('DROP TABLE registrations_1; DROP TABLE outbox_1')
    recount(database, Number(given ?? 0))
    database.exec('UPDATE outbox SET filed_through = seq_floor')
    database.pragma(`user_version = ${String(schemaVersion)}`)
  })()
}

/** Its table was made by the first import. */
function listedKeys(database: Database): Buffer[] {
  const isThere = database.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'imported'`).get() !== undefined
  return isThere ? (database.prepare('SELECT key FROM imported').pluck().all() as Buffer[]) : []
}

/**
 * An outbox that was migrated is written anew once, so that nothing of its plain text is left in free pages and room
 * can be given back in pieces from then on. Where the disk has no room for that, the next start does it.
 */
export function compactMigrated(database: Database): void {
  if (database.pragma('auto_vacuum', { simple: true }) === 2) return
  database.pragma('auto_vacuum = INCREMENTAL')
  try {
    database.exec('VACUUM')
  } catch (error) {
    if ((error as { code?: string }).code !== 'SQLITE_FULL') throw error
  }
  database.pragma('wal_checkpoint(TRUNCATE)')
}
