import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
import type { Socket } from 'node:net'
import { Server as TlsServer, TLSSocket } from 'node:tls'
import type { Clock } from '../shared/clock.ts'
import { AppError, nativeCode } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { createApp } from './app.ts'
import type { Settings } from './config.ts'
import { bracketed, listeningUrl } from './listening-url.ts'

type App = ReturnType<typeof createApp>

const selfCheckTimeoutMs = 5_000

export interface Listener {
  /** Where people reach it. */
  readonly url: string
  /** Whether a request through the own listener, as a client would make it, is answered. */
  answers(): Promise<boolean>
  /** Accepts nothing more, lets requests in flight finish, and cuts off those that have not by then (of `clock.monoMs`). */
  closeBy(stopByMonoMs: number): Promise<void>
}

/** Opens the app to the network. Throws `address-in-use` or `address-unusable`. */
export async function openListener(
  app: App,
  settings: Pick<Settings, 'host' | 'port'>,
  clock: Clock,
  log: Log,
): Promise<Listener> {
  const connections = trackConnections(app)
  await listen(app, settings)
  const url = listeningUrl(app.server)
  return {
    url,
    answers: () => answers(`${url}/health/live`),
    async closeBy(stopByMonoMs) {
      const closed = new AbortController()
      const closing = app.close().finally(() => {
        closed.abort()
      })
      for (const socket of connections()) if (isFresh(app, socket)) socket.destroy()
      await clock.sleep(Math.max(0, stopByMonoMs - clock.monoMs()), closed.signal)
      if (!closed.signal.aborted) {
        log.warn('requests still in flight were cut off')
        for (const socket of connections()) socket.destroy()
      }
      await closing
    },
  }
}

async function listen(app: App, { host, port }: Pick<Settings, 'host' | 'port'>): Promise<void> {
  try {
    // For this one name Fastify would open a second listener, without our handling of broken requests and certificates.
    await app.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port })
  } catch (cause) {
    const native = nativeCode(cause)
    const place = `${bracketed(host)}:${String(port)}`
    if (native === 'EADDRINUSE') throw new AppError('address-in-use', `${place} is taken`, { cause })
    if (native !== undefined && /^(EACCES|EADDRNOTAVAIL|ENOTFOUND|EAI_|EINVAL|EAFNOSUPPORT)/.test(native)) {
      throw new AppError('address-unusable', `cannot listen on ${place} (${native})`, { cause })
    }
    throw cause
  }
}

/** A wildcard address reaches this machine; the certificate is for the name people use. */
function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { agent: false, timeout: selfCheckTimeoutMs, rejectUnauthorized: false }
    const get = url.startsWith('https:') ? getHttps : getHttp
    const request = get(url, options, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => {
      resolve(false)
    })
  })
}

/** Open connections, by peer: once a handshake is done, its TLS socket stands for the plain one below it. */
function trackConnections(app: App): () => Iterable<Socket> {
  const open = new Map<string, Socket>()
  const track = (socket: Socket): void => {
    const peer = `${String(socket.remoteAddress)} ${String(socket.remotePort)}`
    open.set(peer, socket)
    socket.once('close', () => {
      if (open.get(peer) === socket) open.delete(peer)
    })
  }
  app.server.on('connection', track)
  app.server.on('secureConnection', track)
  return () => open.values()
}

/** Nothing of a request has come yet: Node counts such a connection as busy, or does not know it, and would wait for it. */
function isFresh(app: App, socket: Socket): boolean {
  return socket.bytesRead === 0 || (app.server instanceof TlsServer && !(socket instanceof TLSSocket))
}
