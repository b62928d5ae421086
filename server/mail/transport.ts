import { join } from 'node:path'
import { createTransport, type SendMailOptions } from 'nodemailer'
import type { Settings } from '../config.ts'
import { isMailAddress, parseSender, type Sender } from './address.ts'
import { checkFolder, writeMail } from './mail-folder.ts'
import type { Mail } from './mailbox.ts'
import { type MailFault, smtpFault } from './smtp-fault.ts'
import { isLoopback, readSmtpUrl, type SmtpServer } from './smtp-url.ts'

/** How many mails leave at the same time. */
export const maxSendsAtOnce = 3
/** Longest that one mail may take, whatever the mail server does. */
export const sendTimeoutMs = 90_000

// Setting a session up, silence inside it: a send ends by one of these, or at the latest by sendTimeoutMs. Content
// filters answer late, and a mail given up while the server still thinks about it arrives twice.
const connectTimeoutMs = 10_000
const silenceTimeoutMs = 60_000
const dnsTimeoutMs = 5_000
const idleTimeoutMs = 30_000

export interface OutgoingMail extends Mail {
  messageId: string
  queuedAt: string
}

export interface MailTransport {
  /** Where mails go, for the log. */
  readonly destination: string
  /** Why no mail could leave now, as far as can be told without sending one. */
  check(signal: AbortSignal): Promise<MailFault | undefined>
  /** Answers why the mail has not left. Aborting breaks the send off: it may have left all the same. */
  send(mail: OutgoingMail, signal: AbortSignal): Promise<MailFault | undefined>
  close(): void
}

/** Mails by SMTP or, without a mail server, as one file each. The settings have been checked when they were read. */
export function createMailTransport({
  smtpUrl,
  mailDir,
  data,
  mailFrom,
}: Pick<Settings, 'smtpUrl' | 'mailDir' | 'data' | 'mailFrom'>): MailTransport {
  const from = parseSender(mailFrom)
  if (from === undefined) throw new Error('mailFrom is no address')
  if (smtpUrl === undefined) return folderTransport(mailDir ?? join(data, 'mail'), from)
  const server = readSmtpUrl(smtpUrl)
  if (server === undefined) throw new Error('smtpUrl names no mail server')
  return smtpTransport(server, from)
}

function smtpTransport({ host, port, implicitTls, login }: SmtpServer, from: Sender): MailTransport {
  const transporter = createTransport({
    pool: true,
    maxConnections: maxSendsAtOnce,
    // Only where a kept connection turns out to be dead; everything else is tried again by the outbox.
    maxRequeues: 1,
    idleTimeout: idleTimeoutMs,
    host,
    port,
    secure: implicitTls,
    // A password never crosses a network in the clear.
    requireTLS: login !== undefined && !isLoopback(host),
    tls: { minVersion: 'TLSv1.2' },
    auth: login,
    // Without this a server that offers no login would get the mails of one who meant to log in.
    forceAuth: login !== undefined,
    connectionTimeout: connectTimeoutMs,
    greetingTimeout: connectTimeoutMs,
    socketTimeout: silenceTimeoutMs,
    dnsTimeout: dnsTimeoutMs,
    ...contentIsText,
  })
  return {
    destination: `${host}:${String(port)}`,
    async check(signal) {
      try {
        signal.throwIfAborted()
        await Promise.race([transporter.verify(), whenAborted(signal)])
        return undefined
      } catch (error) {
        return smtpFault(error)
      }
    },
    async send(mail, signal) {
      if (!isMailAddress(mail.to)) return { code: 'mail-invalid' }
      try {
        await transporter.sendMail({ ...message(mail, from), signal })
        return undefined
      } catch (error) {
        return smtpFault(error)
      }
    },
    close: () => {
      transporter.close({ force: true })
    },
  }
}

function folderTransport(folder: string, from: Sender): MailTransport {
  const transporter = createTransport({
    streamTransport: true,
    buffer: true,
    newline: 'windows',
    ...contentIsText,
  })
  return {
    destination: folder,
    check: () => checkFolder(folder),
    async send(mail) {
      if (!isMailAddress(mail.to)) return { code: 'mail-invalid' }
      const { message: bytes } = await transporter.sendMail(message(mail, from))
      // Of the mail, not of this moment: sent again after a crash, it is still one file.
      const name = `${mail.queuedAt.replace(/[:.-]/g, '')}-${mail.messageId}.eml`
      return writeMail(folder, name, bytes as Buffer)
    },
    close: () => undefined,
  }
}

const contentIsText = { disableFileAccess: true, disableUrlAccess: true }

function message(
  { to, subject, text, html, messageId, queuedAt }: OutgoingMail,
  from: Sender,
): SendMailOptions {
  return {
    messageId: `<${messageId}@${from.domain}>`,
    date: new Date(queuedAt),
    from: { name: from.name, address: from.address },
    // As parts: as one text it could be read as several addresses.
    to: { name: '', address: to },
    subject: subject.replace(/\p{Cc}+/gu, ' '),
    text,
    html,
    // RFC 3834: no holiday replies.
    headers: { 'Auto-Submitted': 'auto-generated' },
    xMailer: false,
  }
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(new Error('aborted'))
    })
  })
}
