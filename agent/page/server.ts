import { fastify, type FastifyError, type FastifyReply } from 'fastify'
import type { Clock } from '../../shared/clock.ts'
import { AppError, nativeCode } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { PageEnrolments } from './enrolments.ts'
import type { PageFiles } from './files.ts'
import { cookieName, guard, isSame, pageCookie, refuse } from './guard.ts'
import type { Heartbeat } from './heartbeat.ts'
import { pingMs, type Language, type PageFailure, type Snapshot } from './protocol.ts'
import type { PageState } from './state.ts'

export interface PageOptions {
  pagePort: number
  language: Language
  pagePxPerMm: number
  /** The page is given its secret only through `/enter`, by who can read the secret's file. */
  isLocked: boolean
}

export interface PageParts {
  state: PageState
  enrolments: PageEnrolments
  heartbeat: Heartbeat
  files: PageFiles
  secret: string
  clock: Clock
  log: Log
  health: () => Pick<Snapshot, 'readerReady' | 'serverOnline' | 'volume'>
}

export interface OpenPage extends AsyncDisposable {
  readonly url: string
}

/** A client's data has less than two thousand; nothing else is longer. */
const maxBodyBytes = 16 * 1024
const maxUnreadBytes = 64 * 1024

/**
 * The kiosk page on 127.0.0.1 and its API. What a person types goes in and never comes out again: every answer is
 * built from `Snapshot`, which has no personal data.
 */
export async function openPage(options: PageOptions, parts: PageParts): Promise<OpenPage> {
  const { state, enrolments, heartbeat, files, secret, clock, log } = parts
  const app = fastify({ forceCloseConnections: true, bodyLimit: maxBodyBytes })
  app.removeContentTypeParser('text/plain')
  guard(
    app,
    clock,
    secret,
    (path) => files.byPath.has(path) || path === '/enter' || path.startsWith('/health/'),
  )
  app.setErrorHandler<FastifyError | AppError>((error, _request, reply) => {
    const [status, code] = failureOf(error)
    if (status === 500) log.error({ err: error }, 'a request of the page failed')
    return refuse(reply, status, { code })
  })
  app.setNotFoundHandler((_request, reply) => refuse(reply, 404, { code: 'unreadable' }))

  const setCookie = (reply: FastifyReply): FastifyReply =>
    reply.header('set-cookie', `${cookieName}=${pageCookie(secret)}; HttpOnly; SameSite=Strict; Path=/`)

  for (const [path, { content, type }] of files.byPath) {
    app.get(path, (_request, reply) => {
      if (path === '/' && !options.isLocked) setCookie(reply)
      return reply.type(type).send(content)
    })
  }
  app.get<{ Querystring: { secret?: string } }>('/enter', ({ query }, reply) => {
    if (!isSame(query.secret, secret)) return refuse(reply, 403, { code: 'forbidden' })
    return setCookie(reply).redirect('/', 303)
  })
  app.get('/health/live', () => ({ status: 'ok' }))
  app.get('/health/page', (_request, reply) =>
    reply.code(heartbeat.isAlive ? 200 : 503).send({ ageMs: heartbeat.ageMs }),
  )

  const snapshot = (): Snapshot => ({
    language: options.language,
    pxPerMm: options.pagePxPerMm,
    screen: state.screen,
    ...parts.health(),
    build: files.build,
  })

  app.get('/state', () => snapshot())
  app.post('/heartbeat', () => {
    heartbeat.beat()
    return {}
  })
  app.post('/begin', () => {
    enrolments.begin()
    state.dismiss()
    return snapshot()
  })
  app.post('/enrolment', (request, reply) => {
    const submission = enrolments.submit(request.body)
    if (submission.kind === 'busy') return refuse(reply, 409, { code: 'busy' })
    if (submission.kind === 'invalid') {
      const fields = submission.complaints.map(({ field }) => field)
      return refuse(reply, 422, { code: 'invalid', fields })
    }
    return snapshot()
  })
  app.post('/enrolment/keep', () => {
    enrolments.keep()
    return snapshot()
  })
  app.post('/enrolment/cancel', () => {
    enrolments.cancel()
    state.dismiss()
    return snapshot()
  })
  app.post('/dismiss', () => {
    state.dismiss()
    return snapshot()
  })

  const streams = new Set<FastifyReply>()
  app.get('/events', (request, reply) => {
    reply.hijack()
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value)
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.raw.write(event())
    streams.add(reply)
    request.raw.once('close', () => streams.delete(reply))
  })
  const event = (): string => `data: ${JSON.stringify(snapshot())}\n\n`
  const push = (): void => {
    if (streams.size === 0) return
    const text = event()
    for (const stream of streams) {
      // A browser that has stopped reading is let go; one that lives connects again by itself.
      if (stream.raw.writableLength > maxUnreadBytes) stream.raw.destroy()
      else stream.raw.write(text)
    }
  }
  const unwatch = state.onChange(push)
  // A page that hears nothing for a while knows that we hang, and says so.
  const pinging = setInterval(push, pingMs)

  let url: string
  try {
    url = await app.listen({ host: '127.0.0.1', port: options.pagePort })
  } catch (cause) {
    clearInterval(pinging)
    const taken = nativeCode(cause) === 'EADDRINUSE'
    const where = `the kiosk page on 127.0.0.1:${String(options.pagePort)}`
    throw new AppError(taken ? 'address-in-use' : 'address-unusable', `cannot serve ${where}`, { cause })
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      clearInterval(pinging)
      unwatch()
      await app.close()
    },
  }
}

function failureOf(error: FastifyError | AppError): [number, PageFailure['code']] {
  if (error instanceof AppError) return [503, 'cannot-store']
  if (error.statusCode === 413) return [413, 'too-large']
  if (error.statusCode !== undefined && error.statusCode < 500) return [error.statusCode, 'unreadable']
  return [500, 'failed']
}
