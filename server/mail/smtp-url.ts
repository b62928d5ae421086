import { isIPv4 } from 'node:net'

/** A mail server as its URL tells it. */
export interface SmtpServer {
  host: string
  port: number
  /** TLS from the first byte, as opposed to STARTTLS. */
  implicitTls: boolean
  login: { user: string; pass: string } | undefined
}

/** `smtp://user:password@host:587` or `smtps://…`, nothing else in it; undefined for anything else. */
export function readSmtpUrl(text: string): SmtpServer | undefined {
  const url = URL.parse(text)
  if (url === null || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '') return undefined
  const { username, password, pathname, search, hash } = url
  if (!['', '/'].includes(pathname) || search !== '' || hash !== '') return undefined
  if ((username === '') !== (password === '')) return undefined
  const implicitTls = url.protocol === 'smtps:'
  try {
    return {
      host: url.hostname.replace(/^\[(.+)\]$/, '$1'),
      port: url.port === '' ? (implicitTls ? 465 : 587) : Number(url.port),
      implicitTls,
      login:
        username === ''
          ? undefined
          : { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
    }
  } catch {
    // A percent sign that encodes nothing.
    return undefined
  }
}

/** Whether what is sent there never leaves this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}
