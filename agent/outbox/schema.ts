/**
 * One row per accepted registration, for ever: a delivered row stays as the proof that its key was used.
 *
 * pending   -> the server has not confirmed it; sent again until it does
 * delivered -> the server's answer is in `receipt`
 * dead      -> dead letter: the server refused it for good; waits for a person
 * discarded -> a person gave a dead letter up, with a reason
 */
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

/** Each takes the file one version further; kept in PRAGMA user_version. */
export const migrations = [
  schema,
  // Which consent text the client was shown; evidence that stays when the body goes.
  'ALTER TABLE registrations ADD COLUMN consent_text TEXT',
]
export const schemaVersion = migrations.length
