import { AppError, isErrorCode } from '../../shared/errors.ts'
import type { Database } from './database.ts'
import { asUuid } from './id.ts'
import type { RegistrationState, StoredRegistration, System } from './registration.ts'
import type { Seals } from './seal.ts'

/** The columns of every_registration, as they are kept. */
export interface RawRow {
  seq: number
  id: Uint8Array
  idempotency_key: Uint8Array
  system: System
  reader_id: string | null
  consent_text: string | null
  /** Milliseconds since 1970. */
  created_at: number
  state: RegistrationState
  attempts: number
  failures: number
  last_error: string | null
  settled_at: number | null
  digest: Uint8Array
  link: Uint8Array
  /** null in a tombstone. */
  body: Uint8Array | null
  outcome: Uint8Array | null
  reason: Uint8Array | null
}

/** A row of `registrations` as it is inserted; the rest has defaults. */
export interface LiveRow extends Omit<RawRow, 'body'> {
  body: Uint8Array
  subject: number | null
  card: number | null
  created_mono_ms: number
  boot_id: Uint8Array
  /** 1 where the indexes that order the backlog have it: see order.ts. */
  is_filed: 0 | 1
}

/** What the server answered, sealed together with what became of the row: a state alone proves nothing. */
type Outcome = [state: 'delivered' | 'dead', receipt: string | null]

export function placeOf({ seq, idempotency_key: idempotencyKey }: RawRow) {
  return { seq, idempotencyKey }
}

/** Throws `registration-damaged`. */
export function openRow(seals: Seals, row: RawRow): StoredRegistration {
  const place = placeOf(row)
  return {
    seq: row.seq,
    id: asUuid(row.id),
    idempotencyKey: asUuid(row.idempotency_key),
    system: row.system,
    body: row.body === null ? '{}' : seals.open(place, 'body', row.body),
    readerId: row.reader_id,
    createdAt: new Date(row.created_at).toISOString(),
    state: row.state,
    attempts: row.attempts,
    failures: row.failures,
    lastError: isErrorCode(row.last_error) ? row.last_error : null,
    receipt: openOutcome(seals, row)?.[1] ?? null,
    discardReason: row.reason === null ? null : seals.open(place, 'reason', row.reason),
    consentText: row.consent_text,
  }
}

/** The same of a row that may be damaged: what does not open is left out, and told. */
export function showRow(seals: Seals, row: RawRow): StoredRegistration {
  try {
    return openRow(seals, row)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const bare = openRow(seals, { ...row, body: null, outcome: null, reason: null })
    return { ...bare, lastError: 'registration-damaged' }
  }
}

export function sealOutcome(seals: Seals, row: RawRow, outcome: Outcome): Buffer {
  return seals.seal(placeOf(row), 'outcome', JSON.stringify(outcome))
}

function openOutcome(seals: Seals, row: RawRow): Outcome | undefined {
  if (row.outcome === null) return undefined
  return JSON.parse(seals.open(placeOf(row), 'outcome', row.outcome)) as Outcome
}

/**
 * sound     -> every seal opens, and the state is what the seals say
 * unsettled -> it is called settled without proof, and its body opens: to be sent (again), under its key
 * lost      -> what would be sent does not open
 */
export function inspect(seals: Seals, row: RawRow): 'sound' | 'unsettled' | 'lost' {
  const opens = (work: () => boolean): boolean => {
    try {
      return work()
    } catch (error) {
      if (error instanceof AppError) return false
      throw error
    }
  }
  const hasBody =
    row.body !== null && opens(() => seals.open(placeOf(row), 'body', row.body ?? new Uint8Array()) !== '')
  const isProven = opens(() => {
    if (row.reason !== null) seals.open(placeOf(row), 'reason', row.reason)
    const settled = openOutcome(seals, row)?.[0]
    switch (row.state) {
      case 'delivered':
        return settled === 'delivered'
      case 'dead':
        return settled === 'dead'
      case 'discarded':
        return row.reason !== null
      case 'pending':
        return true
      case 'lost':
        return false
    }
  })
  if (row.state === 'lost') return 'lost'
  if (isProven && (hasBody || (row.body === null && row.state !== 'pending' && row.state !== 'dead')))
    return 'sound'
  return hasBody ? 'unsettled' : 'lost'
}

const liveColumns = [
  ...[
    'seq',
    'id',
    'idempotency_key',
    'system',
    'subject',
    'card',
    'reader_id',
    'consent_text',
    'created_at',
    'created_mono_ms',
  ],
  ...[
    'boot_id',
    'state',
    'is_filed',
    'attempts',
    'failures',
    'last_error',
    'settled_at',
    'digest',
    'link',
    'body',
    'outcome',
  ],
  'reason',
]
/** Every column of RawRow but the body. */
export const tombstoneColumns = [
  ...[
    'seq',
    'id',
    'idempotency_key',
    'system',
    'reader_id',
    'consent_text',
    'created_at',
    'state',
    'attempts',
    'failures',
  ],
  ...['last_error', 'settled_at', 'digest', 'link', 'outcome', 'reason'],
]

/** Puts rows from elsewhere (an older version, a damaged file) into a new outbox. */
export function inserter(database: Database): (row: LiveRow | (RawRow & { body: null })) => void {
  const into = (table: string, columns: string[]) =>
    database.prepare(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((name) => `$${name}`).join(', ')})`,
    )
  const live = into('registrations', liveColumns)
  const tombstone = into('tombstones', tombstoneColumns)
  return (row) => void (row.body === null ? tombstone : live).run(row)
}

/** Tombstones that an outbox no longer holds: see schema.ts. */
export interface Removed {
  removed_through: number
  removed_delivered: number
  removed_discarded: number
}

/** Brings the counts of an outbox that was filled by `inserter` into line with its rows. */
export function recount(database: Database, highestSeq: number, removed?: Removed): void {
  const rows = database
    .prepare('SELECT state, count(*) AS rows FROM every_registration GROUP BY state')
    .all() as { state: RegistrationState; rows: number }[]
  const of = (state: RegistrationState): number => rows.find((entry) => entry.state === state)?.rows ?? 0
  const gone = removed ?? { removed_through: 0, removed_delivered: 0, removed_discarded: 0 }
  const delivered = of('delivered') + gone.removed_delivered
  const discarded = of('discarded') + gone.removed_discarded
  const missing = highestSeq - delivered - discarded - of('pending') - of('dead') - of('lost')
  database
    .prepare(
      `UPDATE outbox SET delivered = $delivered, dead = $dead, discarded = $discarded, lost = $lost,
         missing = $missing, seq_floor = $highestSeq, removed_through = $removed_through,
         removed_delivered = $removed_delivered, removed_discarded = $removed_discarded`,
    )
    .run({ ...gone, delivered, dead: of('dead'), discarded, lost: of('lost') + missing, missing, highestSeq })
}
