import type { Generated, Kysely, Transaction } from 'kysely'

/**
 * Numbers of 64 bits are decimal text, times ISO 8601 UTC text, truth 0 or 1: the same on every engine. Personal data
 * is sealed by the vault (security/vault.ts), and found by blind indexes.
 */
export interface Schema {
  clients: ClientRow
  cards: CardRow
  consents: ConsentRow
  staff_cases: StaffCaseRow
  idempotency_keys: IdempotencyKeyRow
  heartbeat: HeartbeatRow
  keyring_proofs: KeyringProofRow
  hits: HitRow
  audit_events: AuditEventRow
  audit_ends: AuditEndRow
  client_secrets: ClientSecretRow
  kiosks: KioskRow
  kiosk_codes: KioskCodeRow
  kiosk_epochs: KioskEpochRow
  kiosk_repetitions: KioskRepetitionRow
  mails: MailRow
  customer_accounts: CustomerAccountRow
  customer_attempts: CustomerAttemptRow
  entities: EntityRow
  api_users: ApiUserRow
  api_user_failures: ApiUserFailureRow
  digital_registrations: DigitalRegistrationRow
  digital_consents: DigitalConsentRow
  departments: CatalogueRow
  licence_types: CatalogueRow
  roles: RoleRow
  user_accounts: UserAccountRow
  role_requests: RoleRequestRow
  licence_reminders: LicenceReminderRow
}

export interface ClientRow {
  id: Generated<number>
  codigo_cliente_vlt: string
  tipo_documento: string | null
  /** Blind index of the document number. */
  dni_index: string | null
  /** What the registration said of the person, sealed JSON: see systems/vlt-clients/person.ts. Empty once erased. */
  personal: string
  active_card_uid: string
  created_at: string
}

export interface CardRow {
  /** Canonical: see shared/card-uid.ts. */
  uid: string
  client_id: number
  /** As the kiosk sent it. */
  tarjeta: string
  registered_at: string
}

export const consentChannels = ['whatsapp', 'email', 'sms'] as const

/** A ledger: the newest entry of a channel holds. Rows are never changed or removed. */
export interface ConsentRow {
  id: Generated<number>
  client_id: number
  channel: (typeof consentChannels)[number]
  granted: 0 | 1
  /** The system that took the consent. */
  source: string
  card_uid: string | null
  /** Version of the text that the person saw; null where it was not told. */
  consent_text: string | null
  recorded_at: string
}

export interface StaffCaseRow {
  id: Generated<number>
  kind: 'identity-conflict' | 'card-conflict' | 'kiosk-cloned' | 'kiosk-gap'
  /** The first four are of conflicts; those of kiosks have the last two instead. */
  client_id: number | null
  other_client_id: number | null
  claimed_codigo: string | null
  card_uid: string | null
  kiosk_id: number | null
  /** JSON: figures and codes, never personal data. */
  details: string | null
  opened_at: string
  closed_at: string | null
}

export interface IdempotencyKeyRow {
  scope: string
  key: string
  /** Blind index of the request body. */
  request_index: string
  /** Sealed JSON of the answer. */
  answer: string
  created_at: string
  /** Whom the answer is about: `client 70`. Null where it says nothing of a person. */
  subject: string | null
  /** The kiosk that brought it first, and the epoch of its outbox; null for what came by the documented endpoint. */
  kiosk_id: number | null
  kiosk_epoch: string | null
}

/** A lobby machine that hands over its backlog under a key of its own: see kiosks/. */
export interface KioskRow {
  id: Generated<number>
  name: string
  /** Thumbprint of the key. */
  key_id: string
  /** 32 bytes in base64url: the `x` of the JWK. */
  public_key: string
  /** Pending: waits for `kiosk activate`. Locked: two machines use its key. */
  state: 'pending' | 'active' | 'locked' | 'revoked'
  version: string
  joined_at: string
  last_seen_at: string | null
  /** Of its newest request; decimal. */
  last_sequence: string
  /** Signature base of that request, hashed: tells a repetition from another request. */
  last_request: string
}

export interface KioskCodeRow {
  id: Generated<number>
  /** Keyed hash of the code. */
  code_index: string
  name: string | null
  /** The kiosk that is to join again; null for a new one. */
  kiosk_id: number | null
  activates: 0 | 1
  expires_at: string
  /** Thumbprint of the key that joined with it. */
  used_by: string | null
}

/** What the server holds of one outbox, and what that kiosk said last. */
export interface KioskEpochRow {
  kiosk_id: number
  epoch: string
  /** Registrations taken through kiosks/, each once. */
  taken: number
  /** The last report, JSON. */
  report: string | null
  reported_at: string | null
}

/** A key that came in this count too, after it was done: see idempotency/. Goes with its key. */
export interface KioskRepetitionRow {
  scope: string
  key: string
  kiosk_id: number
  epoch: string
}

/** One row, rewritten by the probe that asks whether the database still takes writes. */
export interface HeartbeatRow {
  id: number
  beat_at: string
}

/** Shows that a keyring is the one the data was sealed with, and tells nothing else of it. */
export interface KeyringProofRow {
  name: string
  proof: string
}

/** On PostgreSQL alone: what instances count together. */
export interface HitRow {
  key: string
  count: number
  ends_at: Date
}

/** A chain: rows are only ever added at its end, and removed at its beginning. */
export interface AuditEventRow {
  seq: number
  at: string
  action: string
  actor: string
  subject: string
  /** JSON object. */
  details: string
  /** Keyed hash of this row and the chain value of the row before. */
  chain: string
}

/** Where the chain begins and ends, each with a keyed proof: see audit/chain.ts. */
export interface AuditEndRow {
  place: 'start' | 'end'
  seq: number
  chain: string
  proof: string
}

/** What an integration shows to be let in. */
export interface ClientSecretRow {
  id: Generated<number>
  name: string
  /** Blind index of the secret. */
  secret_index: string
  created_at: string
  /** To the hour. */
  last_used_at: string | null
  revoked_at: string | null
}

export interface MailRow {
  id: Generated<number>
  /** Of the mail's Message-ID header: what makes a second delivery recognisable. */
  message_id: string
  /** Sealed JSON of the mail; null once it has left. */
  content: string | null
  state: 'pending' | 'sent' | 'dead'
  attempts: number
  due_at: string
  /** Until then one instance alone may send it. */
  leased_until: string | null
  /** From then on a failure is the last one. */
  give_up_at: string
  /** An error code. */
  last_error: string | null
  /** Numbers of the mail server's answer, such as `550 5.1.1`; never its text, which may repeat the address. */
  last_reply: string | null
  queued_at: string
  settled_at: string | null
}

export interface CustomerAccountRow {
  id: Generated<number>
  /** Blind index of the address, case folded. */
  email_index: string
  /** Blind index of the document number, letters and digits alone. */
  document_index: string
  /** What the customer said of themselves, sealed JSON: see systems/customer-accounts/account.ts. */
  profile: string
  password_hash: string
  created_at: string
}

/** What was tried of late: registrations under way and their limits, failed logins. Nothing here names a person. */
export interface CustomerAttemptRow {
  /** `registration`, `login-pair`, `login-address` or `login-network`, and a blind index of address or client network. */
  key: string
  /** JSON: see systems/customer-accounts/registration.ts and login.ts. */
  state: string
  forget_at: string
}

/** An organisation that registers people over the digital registry. */
export interface EntityRow {
  id: Generated<number>
  name: string
  active: 0 | 1
  created_at: string
}

export interface ApiUserRow {
  id: Generated<number>
  entity_id: number
  /** Blind index of the username, which is a document number. */
  username_index: string
  /** Sealed. */
  username: string
  password_hash: string
  api_access: 0 | 1
  active: 0 | 1
  created_at: string
}

/** How often a username was refused in a row for one client network, known or not. */
export interface ApiUserFailureRow {
  /** Blind index of network and username. */
  key: string
  failures: number
  next_try_at: string
  forget_at: string
}

export interface DigitalRegistrationRow {
  id: Generated<number>
  /** Blind index of the Codigo, which opens the page to whoever has it. */
  code_index: string
  api_user_id: number
  /** Blind index of the document number. */
  dni_index: string
  /** Sealed JSON: see systems/digital-registry/registration.ts. */
  personal: string
  state: 'generado' | 'iniciado' | 'completado'
  /** Wrong document numbers typed on the page. */
  wrong_proofs: number
  created_at: string
  started_at: string | null
  completed_at: string | null
}

/** What a person accepted on the page. Rows are never changed or removed. */
export interface DigitalConsentRow {
  id: Generated<number>
  registration_id: number
  wording_version: string
  language: 'es' | 'en'
  wording: string
  accepted_at: string
}

/** Entries are never removed, because accounts may refer to them; nobody new may once they are not active. */
export interface CatalogueRow {
  id: number
  name: string
  active: 0 | 1
}

export interface RoleRow extends CatalogueRow {
  /** Only staff can give it. */
  privileged: 0 | 1
  /** Whoever registers may choose it. */
  self_registration: 0 | 1
  /** One row's: what accounts get that may not have what they asked for. */
  is_default: 0 | 1
}

export interface UserAccountRow {
  id: Generated<number>
  /** Blind indexes of the folded login and e-mail address. */
  login_index: string
  correo_index: string
  /** What the registration said of the person, sealed JSON: see systems/user-accounts/person.ts. */
  personal: string
  password_hash: string
  departamento_id: number
  role_id: number
  licencia_tipo: number | null
  created_at: string
}

/** A role that an account asked for and only staff can give. */
export interface RoleRequestRow {
  id: Generated<number>
  account_id: number
  role_id: number
  state: 'pending' | 'approved' | 'rejected'
  requested_at: string
  settled_at: string | null
}

/** Days are calendar days in America/Guatemala, `YYYY-MM-DD`. */
export interface LicenceReminderRow {
  id: Generated<number>
  account_id: number
  due_on: string
  expires_on: string
  /** Skipped: a nearer one was due, or the licence over, before it could leave. Failed: the account cannot be read. */
  state: 'planned' | 'sent' | 'skipped' | 'failed'
  settled_at: string | null
}

export type Engine = 'sqlite' | 'postgres'
export type Db = Kysely<Schema>
export type Tx = Transaction<Schema>

/**
 * Runs `work` in a transaction; what it returns is on disk when the promise resolves. The work may run again after
 * a conflict, so it changes nothing but the database, and waits for nothing else.
 */
export type Transact = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>
