import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import {
  SMTPServer,
  type SMTPServerDataStream,
  type SMTPServerOptions,
  type SMTPServerSession,
} from 'smtp-server'
import type { Log } from '../../shared/log.ts'
import { readSettings } from '../config.ts'
import { type Core, openCore } from '../core.ts'
import type { Engine } from '../database/schema.ts'
import { newPostgresDatabase } from '../postgres.testing.ts'
import { type HandClock, handClock } from '../testbed.testing.ts'
import { deliverMails } from './deliver.ts'
import type { Mail } from './mailbox.ts'
import { createMailTransport } from './transport.ts'

/** A hand clock that also ends the sleeps whose time has come. */
export function wakingClock(): HandClock {
  const clock = handClock()
  const sleepers = new Set<{ until: number; wake: () => void }>()
  return {
    ...clock,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = { until: clock.monoMs() + ms, wake: end }
        function end(): void {
          sleepers.delete(sleeper)
          signal.removeEventListener('abort', end)
          resolve()
        }
        sleepers.add(sleeper)
        signal.addEventListener('abort', end)
        if (signal.aborted || ms <= 0) end()
      }),
    advance(ms) {
      clock.advance(ms)
      for (const { until, wake } of [...sleepers]) if (until <= clock.monoMs()) wake()
    },
  }
}

export type LogLine = Record<string, unknown> & { level: number; msg: string }

/** Everything that is logged, as objects. */
export function memoryLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = []
  const write = (line: string): void => void lines.push(JSON.parse(line) as LogLine)
  return { log: pino({ level: 'debug' }, { write }), lines }
}

/** The core of one or several instances on one database, and a clock they share. */
export interface PostOffice extends AsyncDisposable {
  readonly folder: string
  /** One per instance. */
  readonly cores: [Core, ...Core[]]
  readonly clock: HandClock
}

export async function openPostOffice(engine: Engine, instances = 1): Promise<PostOffice> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'vlt-mail-')), (path) => {
    rmSync(path, { recursive: true, force: true })
  })
  const clock = wakingClock()
  const databaseUrl = engine === 'postgres' ? stack.use(await newPostgresDatabase()).url : undefined
  const settings = readSettings({ data: folder, databaseUrl }, {})
  const first = stack.use(await openCore(settings, clock, 'server'))
  const cores: [Core, ...Core[]] = [first]
  while (cores.length < instances) cores.push(stack.use(await openCore(settings, clock, 'server')))
  const opened = stack.move()
  return { folder, cores, clock, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

export function exampleMail(changes: Partial<Mail> = {}): Mail {
  return {
    to: 'ana@example.com',
    subject: 'Su código de verificación',
    text: 'Su código es 123456.\nVálido 10 minutos.\n',
    html: '<p>Su código es <b>123456</b>.</p>',
    ...changes,
  }
}

export function queueMail({ database, mailbox }: Core, changes: Partial<Mail> = {}): Promise<void> {
  return database.transact((tx) => mailbox.queue(tx, exampleMail(changes)))
}

export function storedMails({ database }: Core) {
  return database.query((db) => db.selectFrom('mails').selectAll().orderBy('id').execute())
}

export interface Running {
  readonly lines: LogLine[]
  /** Resolves when the delivery has ended. */
  stop(): Promise<void>
}

/** An instance's delivery with these settings; the caller stops it. */
export function startDelivery(
  { database, vault, mailbox }: Core,
  { clock, folder }: Pick<PostOffice, 'clock' | 'folder'>,
  flags: { smtpUrl?: string; mailFrom?: string },
): Running {
  const { log, lines } = memoryLog()
  const stopping = new AbortController()
  const transport = createMailTransport(readSettings({ data: folder, ...flags }, {}))
  const ended = deliverMails({ database, vault, mailbox, transport, clock, log }, stopping.signal)
  return {
    lines,
    async stop() {
      stopping.abort()
      await ended
      transport.close()
    },
  }
}

export interface ReceivedMail {
  from: string
  to: string[]
  /** Over TLS. */
  secure: boolean
  raw: string
}

export interface SmtpSink extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** Its handlers can be exchanged. */
  readonly server: SMTPServer
  readonly received: ReceivedMail[]
  /** Its handler that takes a mail. */
  readonly take: TakeMail
}

type TakeMail = (
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
  callback: (error?: Error | null) => void,
) => void

/** A real mail server on loopback; it takes every mail unless the options say otherwise. */
export async function startSmtp(options: SMTPServerOptions = {}, port = 0): Promise<SmtpSink> {
  const received: ReceivedMail[] = []
  const take: TakeMail = (stream, { envelope, secure }, callback) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      received.push({
        from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
        to: envelope.rcptTo.map(({ address }) => address),
        secure,
        raw: Buffer.concat(chunks).toString('utf8'),
      })
      callback()
    })
  }
  const server = new SMTPServer({
    logger: false,
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    closeTimeout: 100,
    onData: take,
    ...options,
  })
  server.on('error', () => undefined)
  server.listen(port, '127.0.0.1')
  await once(server.server, 'listening')
  const { port: bound } = server.server.address() as AddressInfo
  return {
    port: bound,
    url: `smtp://127.0.0.1:${String(bound)}`,
    server,
    received,
    take,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(resolve)
      }),
  }
}

/** A listener that is no mail server; `talk` says what it does with each connection. */
export async function startListener(
  talk: (socket: Socket) => void,
): Promise<AsyncDisposable & { port: number; url: string; connections: () => number }> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
    talk(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `smtp://127.0.0.1:${String(port)}`,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Waits for what comes about by itself; fails after 10 s. */
export async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 10_000
  while (!(await what())) {
    if (performance.now() > giveUpAt) throw new Error('it never came to pass')
    await delay(10)
  }
}

export interface ReadMessage {
  /** Names in lower case, values unfolded and decoded. */
  headers: Map<string, string>
  /** Decoded bodies by media type. */
  parts: Map<string, string>
}

/** Reads a message of two parts as a mail program would (RFC 5322, 2045, 2047). */
export function readMessage(raw: string): ReadMessage {
  const { headers, body } = split(raw)
  const boundary = /boundary="([^"]+)"/.exec(headers.get('content-type') ?? '')?.[1] ?? ''
  const parts = new Map(
    body
      .split(`--${boundary}`)
      .slice(1, -1)
      .map((part) => {
        const inner = split(part.replace(/^\r\n/, '').replace(/\r\n$/, ''))
        const type = inner.headers.get('content-type')?.split(';', 1)[0] ?? ''
        return [type, decodeBody(inner.body, inner.headers.get('content-transfer-encoding') ?? '')]
      }),
  )
  return { headers, parts }
}

function split(raw: string): { headers: Map<string, string>; body: string } {
  const end = raw.indexOf('\r\n\r\n')
  const lines = raw
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), decodeWords(line.slice(colon + 1).trim())]
    }),
  )
  return { headers, body: raw.slice(end + 4) }
}

function decodeWords(text: string): string {
  return text
    .replace(/(=\?UTF-8\?[QB]\?[^?]*\?=)\s+(?==\?UTF-8)/gi, '$1')
    .replace(/=\?UTF-8\?([QB])\?([^?]*)\?=/gi, (_word, kind: string, value: string) =>
      kind.toUpperCase() === 'B'
        ? Buffer.from(value, 'base64').toString('utf8')
        : quotedPrintable(value.replace(/_/g, ' ')),
    )
}

function decodeBody(body: string, encoding: string): string {
  const text =
    encoding === 'base64'
      ? Buffer.from(body, 'base64').toString('utf8')
      : encoding === 'quoted-printable'
        ? quotedPrintable(body.replace(/=\r\n/g, ''))
        : body
  return text.replace(/\r\n/g, '\n')
}

function quotedPrintable(text: string): string {
  const bytes = text.replace(/=([0-9A-F]{2})/gi, (_code, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
