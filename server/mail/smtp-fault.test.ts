import { expect, test } from 'vitest'
import { type MailFault, smtpFault } from './smtp-fault.ts'

const answer = (code: string, command: string, response: string) => ({
  code,
  command,
  response,
  responseCode: Number(response.slice(0, 3)),
})

test.for<[object, MailFault['code'], string | undefined]>([
  [answer('EENVELOPE', 'RCPT TO', '550 5.1.1 who'), 'mail-refused', '550 5.1.1'],
  [answer('EENVELOPE', 'RCPT TO', '550-5.7.26 long\n550 end'), 'mail-refused', '550 5.7.26'],
  [answer('EMESSAGE', 'DATA', '554 spam'), 'mail-refused', '554'],
  [answer('EENVELOPE', 'RCPT TO', '452 4.2.2 full'), 'mail-deferred', '452 4.2.2'],
  [answer('EMESSAGE', 'DATA', '451 later'), 'mail-deferred', '451'],
  [answer('EENVELOPE', 'MAIL FROM', '451 later'), 'mail-deferred', '451'],
  [answer('EENVELOPE', 'DATA', '503 bad sequence'), 'mail-deferred', '503'],
  [answer('EENVELOPE', 'MAIL FROM', '553 5.7.1 you'), 'mail-sender-refused', '553 5.7.1'],
  [answer('EENVELOPE', 'MAIL FROM', '530 5.7.0 log in'), 'mail-server-login', '530 5.7.0'],
  [answer('EENVELOPE', 'RCPT TO', '421 4.3.2 closing'), 'mail-server-unreachable', '421 4.3.2'],
  [answer('EAUTH', 'AUTH PLAIN', '535 5.7.8 no'), 'mail-server-login', '535 5.7.8'],
  [answer('EAUTH', 'AUTH PLAIN', '454 4.7.0 later'), 'mail-server-unreachable', '454 4.7.0'],
  [{ code: 'EAUTH', command: 'API' }, 'mail-server-login', undefined],
  [answer('ETLS', 'STARTTLS', '502 no'), 'mail-server-tls', '502'],
  [{ code: 'ESOCKET', originalCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'mail-server-tls', undefined],
  [{ code: 'ESOCKET', originalCode: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'mail-server-tls', undefined],
  [{ code: 'ESOCKET', originalCode: 'ERR_SSL_WRONG_VERSION_NUMBER' }, 'mail-server-tls', undefined],
  [{ code: 'ESOCKET', originalCode: 'ECONNREFUSED' }, 'mail-server-unreachable', undefined],
  [{ code: 'EDNS', originalCode: 'ENOTFOUND' }, 'mail-server-unreachable', undefined],
  [{ code: 'ETIMEDOUT', timeoutType: 'GREETING_TIMEOUT' }, 'mail-server-unreachable', undefined],
  [answer('EPROTOCOL', 'CONN', '554 not you'), 'mail-server-unreachable', '554'],
  [{ code: 'EENVELOPE', command: 'API' }, 'mail-invalid', undefined],
  [{ code: 'EMESSAGE', command: 'MAIL FROM' }, 'mail-refused', undefined],
  [new Error('anything'), 'mail-server-unreachable', undefined],
])('%j', ([error, code, reply]) => {
  expect(smtpFault(error)).toEqual({ code, reply })
})
