import type { Kysely, Transaction } from 'kysely'
import type { CardRow, ClientRow, ConsentRow, StaffCaseRow } from './rows/clients.ts'
import type { CustomerAccountRow, CustomerAttemptRow } from './rows/customer-accounts.ts'
import type {
  ApiUserFailureRow,
  ApiUserRow,
  DigitalConsentRow,
  DigitalRegistrationRow,
  EntityRow,
} from './rows/digital-registry.ts'
import type { KioskCodeRow, KioskEpochRow, KioskRepetitionRow, KioskRow } from './rows/kiosks.ts'
import type { MailRow } from './rows/mail.ts'
import type {
  AuditEndRow,
  AuditEventRow,
  ClientSecretRow,
  HeartbeatRow,
  HitRow,
  IdempotencyKeyRow,
  KeyringProofRow,
} from './rows/platform.ts'
import type {
  CatalogueRow,
  LicenceReminderRow,
  RoleRequestRow,
  RoleRow,
  UserAccountRow,
} from './rows/user-accounts.ts'

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

export type Engine = 'sqlite' | 'postgres'
export type Db = Kysely<Schema>
export type Tx = Transaction<Schema>

/**
 * Runs `work` in a transaction; what it returns is on disk when the promise resolves. The work may run again after
 * a conflict, so it changes nothing but the database, and waits for nothing else.
 */
export type Transact = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>
