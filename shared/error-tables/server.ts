import type { ErrorTable } from './table.ts'

/** The server: database, keys, mail, certificates and its commands. */
export const serverErrors = {
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
  'kiosk-unknown': { retry: 'never', hint: 'See the ids with `vlt-server kiosk list`.' },
  'kiosk-out-of-service': {
    retry: 'after-fix',
    hint: 'Let it join again: `vlt-server kiosk code --kiosk ID`, then `vlt-agent join` on the machine.',
  },
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
} as const satisfies ErrorTable
