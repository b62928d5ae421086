import { fromUuid } from './id.ts'
import type { RegistrationState, System } from './registration.ts'
import type { LiveRow, RawRow } from './rows.ts'
import { sealOutcome } from './rows.ts'
import { nextLink, type Seals } from './seal.ts'

/** A row of an outbox of version 1: everything in plain text. */
export interface Version1Row {
  seq: number
  id: string
  idempotency_key: string
  system: System
  subject: string
  card: string
  body: string
  reader_id: string | null
  created_at: string
  created_mono_ms: number
  boot_id: string
  state: Exclude<RegistrationState, 'lost'>
  attempts: number
  failures: number
  last_error: string | null
  receipt: string | null
  settled_at: string | null
  discard_reason: string | null
}

/** The same row as this version keeps it. */
export function sealVersion1(
  seals: Seals,
  previousLink: Uint8Array,
  old: Version1Row,
): LiveRow | (RawRow & { body: null }) {
  const place = { seq: old.seq, idempotencyKey: fromUuid(old.idempotency_key) }
  const digest = seals.digest(place, old.body)
  const row: LiveRow = {
    seq: old.seq,
    id: fromUuid(old.id),
    idempotency_key: place.idempotencyKey,
    system: old.system,
    subject: old.subject === '' ? null : seals.orderKey(old.system, old.subject),
    card: old.card === '' ? null : seals.orderKey('card', old.card),
    reader_id: old.reader_id,
    consent_text: null,
    created_at: Date.parse(old.created_at),
    created_mono_ms: Math.round(old.created_mono_ms),
    boot_id: fromUuid(old.boot_id),
    state: old.state,
    is_filed: 1,
    attempts: old.attempts,
    failures: old.failures,
    last_error: old.last_error,
    settled_at: old.settled_at === null ? null : Date.parse(old.settled_at),
    digest,
    link: nextLink(previousLink, place, digest),
    body: seals.seal(place, 'body', old.body),
    outcome: null,
    reason: old.discard_reason === null ? null : seals.seal(place, 'reason', old.discard_reason),
  }
  if (old.state === 'delivered') row.outcome = sealOutcome(seals, row, ['delivered', old.receipt])
  else if (old.state !== 'pending' || old.receipt !== null)
    row.outcome = sealOutcome(seals, row, ['dead', old.receipt])
  // Its body had been removed already.
  return old.state === 'delivered' && old.body === '{}' ? { ...row, body: null } : row
}
