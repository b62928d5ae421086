import type { ErrorTable } from './table.ts'

/** The way from the outbox to the server. */
export const deliveryErrors = {
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
  'answer-lost': {
    retry: 'later',
    hint: 'It was sent and no answer came back, so the server may have it; it is sent again under the same key.',
  },
  'delivered-unconfirmed': {
    retry: 'never',
    hint: 'The server has it already, most likely from the attempt whose answer was lost: check with the person that it is theirs (a first login); if it is not, register with other data.',
  },
  'account-taken': {
    retry: 'after-fix',
    hint: 'Somebody has this login or e-mail already: register with another one, and discard this one.',
  },
  'registry-not-configured': {
    retry: 'after-fix',
    hint: 'Set registryUsername and registryPasswordFile for the agent; registrations for the digital registry wait here until then.',
  },
  'registry-refuses-us': {
    retry: 'after-fix',
    hint: 'The digital registry refuses this API user: check registryUsername, the file of registryPasswordFile, and that user and entity are active; then `vlt-agent queue retry --all`.',
  },
} as const satisfies ErrorTable
