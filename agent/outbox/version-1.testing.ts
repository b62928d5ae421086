import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { outboxPath } from './folder.ts'
import type { NewRegistration } from './registration.ts'
import type { Version1Row } from './version-1.ts'

/** The tables as version 1 made them. */
const schema = `
CREATE TABLE outbox (
  -- A new one for every birth of this file: a copied or restored kiosk reuses sequence numbers, not this.
  epoch TEXT NOT NULL,
  created_at TEXT NOT NULL,
  opened_at TEXT NOT NULL
) STRICT;

CREATE TABLE registrations (
  -- Order is by sequence, never by a clock.
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  idempotency_key TEXT NOT NULL UNIQUE,
  system TEXT NOT NULL,
  -- Rows of one client, and rows of one card, are delivered in order.
  subject TEXT NOT NULL,
  card TEXT NOT NULL,
  -- Emptied some time after delivery: the client's data is then the server's alone.
  body TEXT NOT NULL,
  reader_id TEXT,
  created_at TEXT NOT NULL,
  created_mono_ms REAL NOT NULL,
  boot_id TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead', 'discarded')),
  attempts INTEGER NOT NULL DEFAULT 0,
  -- Attempts that failed on this very row, not on the network.
  failures INTEGER NOT NULL DEFAULT 0,
  last_error TEXT,
  receipt TEXT,
  settled_at TEXT,
  discard_reason TEXT
) STRICT;

CREATE UNIQUE INDEX registrations_id ON registrations (id);
CREATE INDEX registrations_pending ON registrations (failures, seq) WHERE state = 'pending';
CREATE INDEX registrations_pending_subject ON registrations (subject, seq) WHERE state = 'pending';
CREATE INDEX registrations_pending_card ON registrations (card, seq) WHERE state = 'pending';
CREATE INDEX registrations_state ON registrations (state, seq);
`

/**
 * An outbox as version 1 left it, with six registrations of one client: three pending, the others delivered, refused
 * and discarded.
 */
export function fillVersion1(
  folder: string,
  { system, subject, card, body, readerId }: NewRegistration,
  canaries: string[],
): { epoch: string; rows: Version1Row[] } {
  const epoch = randomUUID()
  const states: Version1Row['state'][] = ['pending', 'pending', 'delivered', 'dead', 'discarded', 'pending']
  const rows = states.map((state, index): Version1Row => ({
    seq: index + 1,
    id: randomUUID(),
    idempotency_key: randomUUID(),
    ...{ system, subject, card, body, state },
    reader_id: readerId,
    created_at: new Date().toISOString(),
    created_mono_ms: 1234.567,
    boot_id: randomUUID(),
    attempts: state === 'pending' ? 0 : 1,
    failures: 0,
    last_error: state === 'dead' ? 'rejected-invalid' : null,
    receipt: state === 'pending' ? null : JSON.stringify(canaries),
    settled_at: state === 'pending' ? null : new Date().toISOString(),
    discard_reason: state === 'discarded' ? JSON.stringify(canaries) : null,
  }))
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = outboxPath(folder)
  closeSync(openSync(`${path}-born`, 'a', 0o600))
  closeSync(openSync(path, 'a', 0o600))
  const database = new Sqlite(path)
  database.pragma('synchronous = FULL')
  database.pragma('journal_mode = WAL')
  database.pragma('secure_delete = ON')
  database.exec(schema)
  database.pragma('user_version = 1')
  const now = new Date().toISOString()
  database.prepare('INSERT INTO outbox (epoch, created_at, opened_at) VALUES (?, ?, ?)').run(epoch, now, now)
  const names = Object.keys(rows[0] ?? {})
  const insert = database.prepare(
    `INSERT INTO registrations (${names.join(', ')}) VALUES (${names.map((name) => `$${name}`).join(', ')})`,
  )
  for (const row of rows) insert.run(row)
  database.close()
  return { epoch, rows }
}
