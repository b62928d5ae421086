/** Bumped with every change of the tables below; kept in PRAGMA user_version. */
export const schemaVersion = 2

/**
 * One row per accepted registration. What is known of people is sealed (seal.ts); the rest may be read by anybody.
 *
 * pending   -> the server has not confirmed it; sent again until it does
 * delivered -> the server has it
 * dead      -> dead letter: the server refused it for good; waits for a person
 * discarded -> a person gave a dead letter up, with a reason
 * lost      -> damaged so that it can be sent no more
 *
 * A day after it was delivered or discarded a row moves to `tombstones`: no body any more, and its pages are given back.
 */
export const schema = `
CREATE TABLE outbox (
  -- A new one for every birth of this file: a copied or restored kiosk reuses sequence numbers, not this.
  epoch TEXT NOT NULL,
  key_proof TEXT NOT NULL,
  created_at TEXT NOT NULL,
  opened_at TEXT NOT NULL,
  -- Sequence numbers up to here were given out before this file was born, or their rows are gone.
  seq_floor INTEGER NOT NULL DEFAULT 0,
  -- How many were settled, those included whose tombstones are gone.
  delivered INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0,
  discarded INTEGER NOT NULL DEFAULT 0,
  -- Numbers given out whose registrations cannot be read any more.
  lost INTEGER NOT NULL DEFAULT 0,
  -- Of those, the ones that have no row.
  missing INTEGER NOT NULL DEFAULT 0,
  -- Tombstones up to this number are gone; the chain goes on from this link.
  removed_through INTEGER NOT NULL DEFAULT 0,
  removed_delivered INTEGER NOT NULL DEFAULT 0,
  removed_discarded INTEGER NOT NULL DEFAULT 0,
  base_link BLOB NOT NULL,
  -- Pending rows up to here are in the indexes that order them (order.ts).
  filed_through INTEGER NOT NULL DEFAULT 0,
  -- While keys are rotated: rows up to here are sealed under the newest one.
  resealed_through INTEGER
) STRICT;

-- Order is by sequence, never by a clock. No AUTOINCREMENT, no index on anything random: each would cost every accept
-- another page on the disk. Ids say where their row is (id.ts).
CREATE TABLE registrations (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL,
  idempotency_key BLOB NOT NULL,
  system TEXT NOT NULL,
  -- Keyed hashes. Rows of one client, and rows of one card, are delivered in order.
  subject INTEGER,
  card INTEGER,
  reader_id TEXT,
  -- Which consent text the client was shown: evidence that stays when the body goes.
  consent_text TEXT,
  created_at INTEGER NOT NULL,
  created_mono_ms INTEGER NOT NULL,
  boot_id BLOB NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead', 'discarded', 'lost')),
  is_filed INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  -- Attempts that failed on this very row, not on the network.
  failures INTEGER NOT NULL DEFAULT 0,
  last_error TEXT,
  settled_at INTEGER,
  -- Keyed hash of the body as accepted, and the chain's link (seal.ts).
  digest BLOB NOT NULL,
  link BLOB NOT NULL,
  -- Sealed: the body, what the server answered, why a person gave it up.
  body BLOB NOT NULL,
  outcome BLOB,
  reason BLOB
) STRICT;

CREATE INDEX registrations_turn ON registrations (failures, seq) WHERE state = 'pending' AND is_filed = 1;
CREATE INDEX registrations_subject ON registrations (subject, seq) WHERE state = 'pending' AND is_filed = 1;
CREATE INDEX registrations_card ON registrations (card, seq) WHERE state = 'pending' AND is_filed = 1;
CREATE INDEX registrations_settled ON registrations (settled_at) WHERE state IN ('delivered', 'discarded');
CREATE INDEX registrations_odd ON registrations (state, seq) WHERE state IN ('dead', 'discarded', 'lost');

CREATE INDEX registrations_unconfirmed ON registrations (seq) WHERE last_error = 'delivered-unconfirmed';

CREATE TABLE tombstones (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL,
  idempotency_key BLOB NOT NULL,
  system TEXT NOT NULL,
  reader_id TEXT,
  consent_text TEXT,
  created_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('delivered', 'discarded')),
  attempts INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  last_error TEXT,
  settled_at INTEGER NOT NULL,
  digest BLOB NOT NULL,
  link BLOB NOT NULL,
  outcome BLOB,
  reason BLOB
) STRICT;

CREATE INDEX tombstones_unconfirmed ON tombstones (seq) WHERE last_error = 'delivered-unconfirmed';

CREATE VIEW every_registration AS
  SELECT seq, id, idempotency_key, system, reader_id, consent_text, created_at, state, attempts, failures, last_error, settled_at,
    digest, link, body, outcome, reason FROM registrations
  UNION ALL
  SELECT seq, id, idempotency_key, system, reader_id, consent_text, created_at, state, attempts, failures, last_error, settled_at,
    digest, link, NULL, outcome, reason FROM tombstones;

-- Ids of version 1, which do not say where their row is.
CREATE TABLE earlier_ids (id BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- What came from lists: see imported.ts.
CREATE TABLE imported (key BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

-- What people did, and who; never anything of the people registered.
CREATE TABLE audit (
  number INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  uid INTEGER NOT NULL,
  user TEXT NOT NULL,
  action TEXT NOT NULL,
  registration TEXT,
  detail TEXT
) STRICT;

-- Each time the outbox had to be salvaged.
CREATE TABLE recoveries (
  at TEXT NOT NULL,
  set_aside TEXT NOT NULL,
  salvaged INTEGER NOT NULL,
  lost INTEGER NOT NULL
) STRICT;
`
