import type { ErrorCode } from '../../shared/errors.ts'

/** Why a mail has not left. */
export interface MailFault {
  code: Extract<ErrorCode, `mail-${string}` | 'disk-full'>
  /** Numbers of the mail server's answer, such as `550 5.1.1`; its text may repeat the address. */
  reply?: string | undefined
}

/** What nodemailer puts on its errors. */
interface SmtpError {
  code?: string | undefined
  /** Of the socket or of OpenSSL, where `code` only says that the connection failed. */
  originalCode?: string | undefined
  command?: string | undefined
  response?: string | undefined
  responseCode?: number | undefined
}

const tlsCodes =
  /^(ETLS$|EPROTO$|ERR_SSL_|ERR_TLS_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_|PATH_LENGTH)/
const authenticationRequired = 530
const badSequence = 503
const closing = 421

/**
 * What an error of nodemailer means: for this mail alone (`mail-refused`, `mail-deferred`, `mail-sender-refused`,
 * `mail-invalid`), or for every mail.
 */
export function smtpFault(error: unknown): MailFault {
  const { code = '', originalCode = '', command, response, responseCode } = error as SmtpError
  const reply = replyNumbers(response)
  const answered = (fault: MailFault['code']): MailFault => ({ code: fault, reply })

  if (responseCode === closing) return answered('mail-server-unreachable')
  if (code === 'ENOAUTH' || (code === 'EAUTH' && !isPassing(responseCode)))
    return answered('mail-server-login')
  if (tlsCodes.test(code) || tlsCodes.test(originalCode)) return answered('mail-server-tls')
  if (code !== 'EENVELOPE' && code !== 'EMESSAGE') return answered('mail-server-unreachable')
  if (responseCode === authenticationRequired) return answered('mail-server-login')
  // Without an answer nodemailer itself refused: an address it cannot write down, or a mail over the server's limit.
  if (responseCode === undefined) return answered(code === 'EENVELOPE' ? 'mail-invalid' : 'mail-refused')
  if (isPassing(responseCode) || responseCode === badSequence) return answered('mail-deferred')
  return answered(command === 'MAIL FROM' ? 'mail-sender-refused' : 'mail-refused')
}

function isPassing(responseCode: number | undefined): boolean {
  return responseCode !== undefined && responseCode < 500
}

/** Reply code and, where there is one, enhanced status code (RFC 3463). */
function replyNumbers(response: string | undefined): string | undefined {
  const match = /^(\d{3})(?:[ -](\d\.\d{1,3}\.\d{1,3}))?/.exec(response ?? '')
  return match?.slice(1).filter(Boolean).join(' ')
}
