import type { ErrorTable } from './table.ts'

/** Readers of cards. */
export const readerErrors = {
  'reader-spec-invalid': {
    retry: 'after-fix',
    hint: 'Write <driver>:<path>[?option=value&…]; `vlt-agent reader drivers` names the drivers, `vlt-agent reader drivers NAME` the options of one.',
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
} as const satisfies ErrorTable
