/**
 * What can go wrong outside our control, as one table.
 *
 * `retry` says who may try again: `later` the program itself, with back-off; `after-fix` once a person has
 * changed something; `never` the same attempt cannot succeed. `hint` is what that person does next.
 */
type Retry = 'never' | 'later' | 'after-fix'

export const errorTable = {
  usage: { retry: 'never', hint: 'Run the command with --help to see what it takes.' },
  'config-invalid': {
    retry: 'after-fix',
    hint: 'Correct each setting named above where its source says, then start again.',
  },
  'input-invalid': {
    retry: 'after-fix',
    hint: 'Correct the fields named above and try again; nothing was stored.',
  },
  'input-unreadable': {
    retry: 'after-fix',
    hint: 'Give a readable file that holds one JSON object in UTF-8.',
  },
  'database-missing': {
    retry: 'after-fix',
    hint: 'Check --data and the folder you are in; to make a new database there, run `vlt-server migrate` or start the server.',
  },
  'data-folder-unusable': {
    retry: 'after-fix',
    hint: 'Give a folder this user may create and write, with --data.',
  },
  interrupted: { retry: 'never', hint: 'Nothing was done after the interruption.' },
  'permission-denied': { retry: 'after-fix', hint: 'Run as the user that owns the data folder.' },

  'agent-unreachable': {
    retry: 'after-fix',
    hint: 'Start it with `vlt-agent run`, with the same --data as this command.',
  },
  'agent-stopping': { retry: 'later', hint: 'The agent is stopping: try again once it has started.' },
  'enrolment-timeout': {
    retry: 'after-fix',
    hint: 'No card was tapped in time: enrol again and tap the card.',
  },
  'card-random': {
    retry: 'after-fix',
    hint: 'Use the card itself, not a phone: this number is made up at each tap. Nothing was stored.',
  },
  'enrolment-cancelled': { retry: 'after-fix', hint: 'The agent stopped before the tap: enrol again.' },
  'registration-unknown': { retry: 'never', hint: 'See the ids with `vlt-agent queue list`.' },
  'registration-settled': {
    retry: 'never',
    hint: 'Only a dead letter can be retried or discarded.',
  },

  'outbox-locked': {
    retry: 'after-fix',
    hint: 'Another program holds the outbox. If an agent runs on this folder, use it; otherwise end that program.',
  },
  'outbox-corrupt': {
    retry: 'after-fix',
    hint: 'Run `vlt-agent queue recover`: it sets the damaged files aside, unchanged, and copies out every registration that can still be read.',
  },
  'outbox-missing': { retry: 'after-fix', hint: 'Check --data: no agent has ever kept its outbox there.' },
  'outbox-unusable': {
    retry: 'after-fix',
    hint: 'Check owner, mode and disk of the file named above; nothing was changed.',
  },
  'outbox-not-durable': {
    retry: 'after-fix',
    hint: 'This file system or SQLite build does not keep commits through a power cut: put --data on a local disk.',
  },
  'outbox-too-new': {
    retry: 'after-fix',
    hint: 'A newer vlt-agent wrote this outbox: install that version again.',
  },
  'disk-full': {
    retry: 'later',
    hint: 'Free space on the disk of the data folder; what was accepted is safe.',
  },
  'storage-failed': { retry: 'later', hint: 'Check the disk of the data folder (dmesg, smartctl).' },

  'reader-spec-invalid': {
    retry: 'after-fix',
    hint: 'Write <driver>:<path>[?option=value&…]; `vlt-agent reader list` names drivers and their options.',
  },
  'reader-not-found': { retry: 'later', hint: 'Plug the reader in, or correct its path in --reader.' },
  'reader-permission': {
    retry: 'later',
    hint: 'Let this user open the device: install systemd/60-vlt-readers.rules and add the user to group vlt-reader.',
  },
  'reader-busy': {
    retry: 'later',
    hint: 'Another program has the reader open (ModemManager and brltty do): end it.',
  },
  'reader-unplugged': { retry: 'later', hint: 'Plug the reader in again; it is picked up by itself.' },
  'reader-failed': { retry: 'later', hint: 'Unplug the reader and plug it in again.' },
  'reader-unauthorised': {
    retry: 'later',
    hint: 'pcscd refuses this user: install systemd/60-vlt-pcscd.rules (polkit), then restart pcscd.',
  },
  'reader-daemon-down': {
    retry: 'later',
    hint: 'pcscd does not run: `systemctl enable --now pcscd.socket`; it is found again by itself.',
  },
  'reader-protocol': {
    retry: 'later',
    hint: 'What answers there is no reader of this kind: check driver, profile and baud rate in --reader.',
  },
  'reader-deaf': {
    retry: 'later',
    hint: 'The reader is plugged in and does not answer: unplug it for ten seconds, then plug it in again.',
  },
  'reader-leaking': {
    retry: 'after-fix',
    hint: 'The reader also types into this machine: install systemd/60-vlt-readers.rules, add the reader to it if it is not listed (systemd/README.md), then plug it in again.',
  },
  'reader-no-tap': {
    retry: 'after-fix',
    hint: 'Hold a card to the reader; `vlt-agent reader list` says how it is.',
  },
  'reader-format-unknown': {
    retry: 'after-fix',
    hint: 'Check the UID; see with `vlt-agent reader monitor --raw` what the reader sends around it (prefix, suffix).',
  },
  'reader-format-open': {
    retry: 'after-fix',
    hint: 'Several formats fit, and only one is right: run it again with a second --card, another card of known UID.',
  },

  'server-not-configured': {
    retry: 'after-fix',
    hint: 'Set --server-url; registrations wait here until then.',
  },
  'server-unreachable': {
    retry: 'later',
    hint: 'Check network and --server-url; registrations wait here until then.',
  },
  'server-timeout': {
    retry: 'later',
    hint: 'The server took too long; the registration is sent again by itself.',
  },
  'server-tls': {
    retry: 'after-fix',
    hint: 'The secure connection failed: check this machine’s clock, the certificate of the server and --server-url.',
  },
  'server-unavailable': {
    retry: 'later',
    hint: 'The server cannot take registrations now; it is retried by itself.',
  },
  'server-failed': {
    retry: 'later',
    hint: 'The server failed on this registration; it is retried by itself.',
  },
  'server-unexpected-answer': {
    retry: 'later',
    hint: 'What answered is not the registration server (a login page of the network?): check --server-url.',
  },
  'rate-limited': { retry: 'later', hint: 'The server asked to wait; sending goes on by itself.' },
  'request-in-progress': {
    retry: 'later',
    hint: 'The server is still answering this registration; retried by itself.',
  },
  'server-refuses-us': {
    retry: 'after-fix',
    hint: 'The server refuses this kiosk: check --server-url and its access.',
  },
  'endpoint-missing': {
    retry: 'after-fix',
    hint: 'The server does not know this address: check --server-url.',
  },
  'rejected-invalid': {
    retry: 'after-fix',
    hint: 'The server refused the data: see `vlt-agent queue show ID`, enrol again with correct data, discard this one.',
  },
  'rejected-too-large': {
    retry: 'after-fix',
    hint: 'The data is too large for the server: enrol again with less.',
  },
  'rejected-conflict': {
    retry: 'after-fix',
    hint: 'The server already holds something else: see `vlt-agent queue show ID`.',
  },

  'address-in-use': {
    retry: 'after-fix',
    hint: 'Another program listens there: end it, or choose another port.',
  },
  'address-unusable': { retry: 'after-fix', hint: 'Give an address of this machine and a port it may open.' },
  'database-locked': {
    retry: 'after-fix',
    hint: 'Another vlt-server uses this data folder: end it, or give another --data.',
  },
  'database-corrupt': {
    retry: 'after-fix',
    hint: 'Stop the server, keep a copy of the file with its -wal and -shm, and restore the last good backup.',
  },
  'database-not-durable': {
    retry: 'after-fix',
    hint: 'This file system or SQLite build does not keep commits through a power cut: put --data on a local disk.',
  },
  'database-too-new': {
    retry: 'after-fix',
    hint: 'A newer vlt-server wrote this database: install that version again.',
  },
  'database-unavailable': { retry: 'later', hint: 'Check that the database runs and can be reached.' },
  'database-refused': {
    retry: 'after-fix',
    hint: 'The database refuses this user, password or database name: correct --database-url.',
  },
  'keys-unusable': {
    retry: 'after-fix',
    hint: 'Give a keys file written by vlt-server that only its owner can read (chmod 600), with --keys.',
  },
  'keys-missing': {
    retry: 'after-fix',
    hint: 'Give the keys file this database was created with, with --keys: restore it, or copy it from the other instance.',
  },
  'keys-mismatch': {
    retry: 'after-fix',
    hint: 'This is the keys file of another database: give the one this database was created with, with --keys.',
  },
  'mail-server-unreachable': {
    retry: 'later',
    hint: 'Check --smtp-url and the way to that mail server; mails wait here and leave by themselves.',
  },
  'mail-server-tls': {
    retry: 'after-fix',
    hint: 'The secure connection to the mail server failed: check its certificate and name, or give its authority in NODE_EXTRA_CA_CERTS.',
  },
  'mail-server-login': {
    retry: 'after-fix',
    hint: 'The mail server refuses user or password: correct --smtp-url.',
  },
  'mail-sender-refused': {
    retry: 'after-fix',
    hint: 'The mail server refuses this sender: correct --mail-from, or let the mail server accept it.',
  },
  'mail-folder-unusable': {
    retry: 'after-fix',
    hint: 'Give a folder this user may create and write, with --mail-dir.',
  },
  'mail-deferred': { retry: 'later', hint: 'The mail server cannot take this mail yet; it is sent again.' },
  'mail-refused': {
    retry: 'never',
    hint: 'The mail server refuses this mail for good: correct the cause and run `vlt-server mail retry ID`, or discard it.',
  },
  'mail-invalid': {
    retry: 'never',
    hint: 'This mail cannot be read with these keys, or its address is none: discard it, or restore the keys and retry it.',
  },
  'mail-unknown': { retry: 'never', hint: 'See the ids with `vlt-server mail list`.' },
  'mail-settled': {
    retry: 'never',
    hint: 'Only dead letters can be retried; only what has not been sent, and is not being sent, can be discarded.',
  },
  'certificate-unreadable': {
    retry: 'after-fix',
    hint: 'Give readable files with --tls-cert and --tls-key.',
  },
  'certificate-invalid': {
    retry: 'after-fix',
    hint: 'Give --tls-cert as PEM, the own certificate first, then its chain, and --tls-key as PEM without a passphrase.',
  },
  'certificate-key-mismatch': {
    retry: 'after-fix',
    hint: 'Give the private key this certificate was made for, with --tls-key.',
  },
  'certificate-key-exposed': {
    retry: 'after-fix',
    hint: 'Let nobody but its owner, and at most a group, read the private key (chmod 600).',
  },
  'certificate-not-valid': {
    retry: 'after-fix',
    hint: 'Renew the certificate; if its dates look right, correct the clock of this machine.',
  },
  'audit-broken': {
    retry: 'never',
    hint: 'Somebody changed the database outside vlt-server: keep a copy as it is, compare it with backups, and find out who could write to it.',
  },
  'person-unknown': { retry: 'never', hint: 'Give the id, or the Codigo, that the registration answered.' },
  'erasure-incomplete': {
    retry: 'after-fix',
    hint: 'The data itself is erased. End programs that hold the database files (a backup?), and run the same command again.',
  },
  'case-unknown': { retry: 'never', hint: 'See the ids with `vlt-server case list --all`.' },
  'case-closed': { retry: 'never', hint: 'There is nothing left to do: the case has been closed before.' },
  'client-secret-unknown': { retry: 'never', hint: 'See the ids with `vlt-server client-secret list`.' },
  'not-confirmed': {
    retry: 'never',
    hint: 'Nothing was changed. Give --yes to go ahead without being asked.',
  },
  'doctor-found-faults': { retry: 'after-fix', hint: 'Follow the hint of each line that says fail.' },
  'entity-unknown': { retry: 'never', hint: 'See the ids with `vlt-server entity list`.' },
  'api-user-unknown': { retry: 'never', hint: 'See the usernames with `vlt-server api-user list`.' },
  'api-user-taken': {
    retry: 'never',
    hint: 'See it with `vlt-server api-user list`; give it another password with `vlt-server api-user set-password`.',
  },
  'password-missing': {
    retry: 'after-fix',
    hint: 'Run the command on a terminal, or give --password-file FILE (- for standard input).',
  },
  'password-unreadable': {
    retry: 'after-fix',
    hint: 'Give a readable file that holds the password as its only line.',
  },
  'catalog-unreadable': {
    retry: 'after-fix',
    hint: 'Give a readable CSV file in UTF-8, or - for standard input.',
  },
  'catalog-invalid': {
    retry: 'after-fix',
    hint: 'Correct the lines named above and import again: nothing was changed.',
  },
  'role-unknown': { retry: 'never', hint: 'See the roles with `vlt-server role list`.' },
  'role-not-open': {
    retry: 'never',
    hint: 'Which roles are privileged and which is the default is said by `vlt-server catalog import roles`.',
  },
  'role-request-unknown': { retry: 'never', hint: 'See the requests with `vlt-server role pending`.' },
  'role-request-settled': { retry: 'never', hint: 'See the open requests with `vlt-server role pending`.' },
  'passwords-busy': { retry: 'later', hint: 'Too many passwords wait to be checked: try again in a moment.' },
} as const satisfies Record<string, { retry: Retry; hint: string }>

/** Stable name of a failure: what scripts, logs and `last_error` columns hold. */
export type ErrorCode = keyof typeof errorTable

export interface FieldComplaint {
  field: string
  message: string
}

interface AppErrorOptions {
  cause?: unknown
  fields?: FieldComplaint[]
}

/** Something outside the program failed. `message` says what, `hint` what a person does next. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  /** Every wrong field, where the failure is about fields. */
  readonly fields: FieldComplaint[]

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.fields = options.fields ?? []
  }

  get retry(): Retry {
    return errorTable[this.code].retry
  }

  get hint(): string {
    return errorTable[this.code].hint
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorTable, value)
}

/** The `code` that Node, SQLite and their like put on their errors, or undefined. */
export function nativeCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' ? code : undefined
}
