import type { ErrorTable } from './table.ts'

const joinAgain =
  'The operator makes a code with `vlt-server kiosk code --kiosk ID`; then `vlt-agent join` with it. Nothing is lost.'

/** A lobby machine as the kiosk that the server knows. */
export const kioskErrors = {
  'kiosk-not-joined': {
    retry: 'after-fix',
    hint: 'Join first: the operator makes a code with `vlt-server kiosk code`, then `vlt-agent join`.',
  },
  'join-code-refused': {
    retry: 'after-fix',
    hint: 'The code is mistyped, over, or was used before: have the operator make a new one with `vlt-server kiosk code`.',
  },
  'kiosk-unsupported': {
    retry: 'later',
    hint: 'The server knows no kiosks; registrations go one by one, as the API document has it.',
  },
  'kiosk-pending': {
    retry: 'later',
    hint: 'The operator has yet to let this kiosk in: `vlt-server kiosk activate ID`. Until then registrations go one by one.',
  },
  'kiosk-locked': {
    retry: 'after-fix',
    hint: `Two machines use the key of this kiosk: a copied disk, or an old backup. Keep the right one. ${joinAgain}`,
  },
  'kiosk-revoked': { retry: 'after-fix', hint: `The operator has revoked this kiosk. ${joinAgain}` },
  'kiosk-key-unknown': {
    retry: 'after-fix',
    hint: `The server does not know the key of this kiosk: another server, or an old backup of it. ${joinAgain}`,
  },
  'kiosk-signature-refused': {
    retry: 'after-fix',
    hint: 'Something on the way changes requests, or a proxy the address: the server needs --public-url as in --server-url.',
  },
  'kiosk-joined-elsewhere': {
    retry: 'after-fix',
    hint: 'This machine joined another server than --server-url names: `vlt-agent leave` and join this one, or change the URL.',
  },
  'kiosk-identity-unusable': {
    retry: 'after-fix',
    hint: 'Check owner and mode of kiosk.json in the data folder; if it is damaged, remove it and join again with a new code.',
  },
  'leave-refused': {
    retry: 'after-fix',
    hint: 'Let them be delivered first, or take them out with --export FILE: whatever is left on this machine is lost with it.',
  },
} as const satisfies ErrorTable
