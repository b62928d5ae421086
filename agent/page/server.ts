import { readFileSync } from 'node:fs'
import { fastify, type FastifyReply } from 'fastify'
import { AppError, nativeCode } from '../../shared/errors.ts'
import type { PageState } from './state.ts'

/** What the strip at the foot of the page says. */
export interface PageHealth {
  readerReady: boolean
  serverOnline: boolean
}

export interface OpenPage extends AsyncDisposable {
  readonly url: string
}

const assets = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
} as const

const maxUnreadBytes = 64 * 1024

/** The page is served by the agent itself and needs nothing from elsewhere. */
const contentSecurityPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'"

/**
 * The kiosk page on 127.0.0.1: what the person at the reader is told. It reads state and can change nothing, and
 * answers only to its own name, so that a web page elsewhere cannot reach it through DNS rebinding.
 */
export async function openPage(
  { pagePort, language }: { pagePort: number; language: string },
  state: PageState,
  health: () => PageHealth,
): Promise<OpenPage> {
  const app = fastify({ forceCloseConnections: true })
  const streams = new Set<FastifyReply>()

  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'content-security-policy': contentSecurityPolicy,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    if (!isOwnHost(request.headers.host, request.socket.localPort)) {
      await reply.code(403).send({ message: 'This page answers only on 127.0.0.1.' })
    }
  })

  for (const [path, [file, type]] of Object.entries(assets)) {
    const content = readFileSync(new URL(`public/${file}`, import.meta.url))
    app.get(path, (_request, reply) => reply.type(type).send(content))
  }
  app.get('/health/live', () => ({ status: 'ok' }))
  app.get('/state', () => snapshot())
  app.get('/events', (request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    reply.raw.write(event())
    streams.add(reply)
    request.raw.once('close', () => streams.delete(reply))
  })

  const snapshot = () => ({ language, screen: state.screen, ...health() })
  const event = (): string => `data: ${JSON.stringify(snapshot())}\n\n`
  const unwatch = state.onChange(() => {
    const text = event()
    for (const stream of streams) {
      // A browser that has stopped reading is let go; one that lives connects again by itself.
      if (stream.raw.writableLength > maxUnreadBytes) stream.raw.destroy()
      else stream.raw.write(text)
    }
  })

  let url: string
  try {
    url = await app.listen({ host: '127.0.0.1', port: pagePort })
  } catch (cause) {
    const taken = nativeCode(cause) === 'EADDRINUSE'
    const where = `the kiosk page on 127.0.0.1:${String(pagePort)}`
    throw new AppError(taken ? 'address-in-use' : 'address-unusable', `cannot serve ${where}`, { cause })
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      unwatch()
      await app.close()
    },
  }
}

function isOwnHost(host: string | undefined, port: number | undefined): boolean {
  return host === `127.0.0.1:${String(port)}` || host === `localhost:${String(port)}`
}
