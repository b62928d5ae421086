import type { ErrorTable } from './table.ts'

/** The agent, its enrolments and its outbox. */
export const agentErrors = {
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
  'page-missing': { retry: 'after-fix', hint: 'Build the kiosk page: `npm run build:page`.' },
  'page-silent': {
    retry: 'later',
    hint: 'The browser is started anew by vlt-kiosk-page.service; its journal says why it ended.',
  },
  'page-secret-unusable': {
    retry: 'after-fix',
    hint: 'Check owner and mode of the file named above; it holds 32 characters or more. systemd/README.md makes it.',
  },
  'client-secret-unusable': {
    retry: 'after-fix',
    hint: 'Give a file this user can read with the secret that `vlt-server client-secret add` printed.',
  },
  'pin-form': { retry: 'after-fix', hint: 'Choose a PIN of 6 to 12 digits; the old one still holds.' },
  'record-unusable': {
    retry: 'after-fix',
    hint: 'Check owner, mode and disk of the file named above; registrations are not touched by it.',
  },
  'draft-waiting': {
    retry: 'after-fix',
    hint: 'A customer account was begun on this machine: go on with `vlt-agent register customer-account --resume`, or erase it with `--forget`.',
  },
  'draft-missing': {
    retry: 'after-fix',
    hint: 'Nothing was begun here, or more than 24 hours ago: start again without --resume.',
  },
  'code-needed': {
    retry: 'after-fix',
    hint: 'Read the code in the mail, then go on with `vlt-agent register customer-account --resume`, at a terminal or with `codigo` in the file.',
  },
  'list-unreadable': {
    retry: 'after-fix',
    hint: 'Give a CSV file in UTF-8 whose first line names the fields of the API document, tarjeta among them, or JSON lines; nothing was stored.',
  },
  'registration-unknown': { retry: 'never', hint: 'See the ids with `vlt-agent queue list`.' },
  'registration-settled': {
    retry: 'never',
    hint: 'Only a dead letter can be corrected, retried or discarded: see them with `vlt-agent queue list --state dead`.',
  },

  'outbox-locked': {
    retry: 'after-fix',
    hint: 'Another program holds the outbox. If an agent runs on this folder, use it; otherwise end that program.',
  },
  'outbox-corrupt': {
    retry: 'after-fix',
    hint: 'Start the agent again: it sets the damaged files aside, unchanged, and goes on with every registration that can still be read. By hand: `vlt-agent queue recover`.',
  },
  'outbox-full': {
    retry: 'later',
    hint: 'Nothing accepted is lost, but nothing new is taken: bring the server back, or see to dead letters (`vlt-agent queue list --state dead`).',
  },
  'outbox-key-missing': {
    retry: 'after-fix',
    hint: 'Restore outbox-keys.json beside the outbox, and give the secret that wraps it with --outbox-key-file if there is one. Nothing was changed.',
  },
  'outbox-key-mismatch': {
    retry: 'after-fix',
    hint: 'These are the keys of another outbox: restore outbox-keys.json, and the secret of --outbox-key-file, that belong to this one. Nothing was changed.',
  },
  'outbox-key-unusable': {
    retry: 'after-fix',
    hint: 'The keys file must be readable by the agent’s user alone (chmod 600) and as the agent wrote it.',
  },
  'registration-damaged': {
    retry: 'never',
    hint: 'The disk has changed what was stored: register this client again, and check the disk (dmesg, smartctl).',
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
} as const satisfies ErrorTable
