import { fastify, type FastifyError, type FastifyReply } from 'fastify'
import type { Clock } from '../../shared/clock.ts'
import { AppError, nativeCode } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { refused } from '../enrolment/registrar.ts'
import type { PageEnrolments } from './enrolments.ts'
import { EventStreams } from './event-streams.ts'
import type { PageFiles } from './files.ts'
import { cookieName, guard, isSame, pageCookie, refuse } from './guard.ts'
import type { Heartbeat } from './heartbeat.ts'
import { operatorRoutes, type OperatorParts } from './operator/routes.ts'
import { pingMs, type Language, type PageFailure, type Snapshot } from './protocol.ts'
import { storageFaults, type PageState } from './state.ts'

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
  operator: Omit<OperatorParts, 'build' | 'onChange'>
  health: () => Pick<Snapshot, 'readerReady' | 'serverOnline' | 'volume'>
}

export interface OpenPage extends AsyncDisposable {
  readonly url: string
}

/**
 * From the session's own file into the page. No redirect: that would still be the file's request, and so a stranger's, and
 * the page is given to none.
 */
const onward = '<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>…</title>'
/** A client's data has less than two thousand; nothing else is longer. */
const maxBodyBytes = 16 * 1024

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
    return setCookie(reply).type('text/html').send(onward)
  })
  app.get('/health/live', () => ({ status: 'ok' }))
  app.get('/health/page', (_request, reply) => {
    const { isAlive, ageMs } = heartbeat
    return reply.code(isAlive ? 200 : 503).send({ isAlive, ageMs })
  })

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
    state.dismiss()
    try {
      enrolments.begin()
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      // Told now, and not to somebody who has typed a minute.
      state.show({ kind: 'refused', outcome: refused(error) })
    }
    return snapshot()
  })
  app.post('/enrolment', (request, reply) => {
    const submission = enrolments.submit(request.body)
    if (submission.kind === 'busy') return refuse(reply, 409, { code: 'busy' })
    if (submission.kind === 'invalid')
      return refuse(reply, 422, { code: 'invalid', fields: submission.fields })
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

  const streams = new EventStreams(snapshot, pingMs)
  app.get('/events', (request, reply) => {
    streams.add(request, reply)
  })
  const push = (): void => {
    streams.push()
  }
  const unwatch = state.onChange(push)
  const operator = operatorRoutes(app, { ...parts.operator, build: files.build, onChange: push }, clock, log)
  const close = async (): Promise<void> => {
    unwatch()
    operator[Symbol.dispose]()
    streams[Symbol.dispose]()
    await app.close()
  }

  let url: string
  try {
    url = await app.listen({ host: '127.0.0.1', port: options.pagePort })
  } catch (cause) {
    await close()
    const taken = nativeCode(cause) === 'EADDRINUSE'
    const where = `the kiosk page on 127.0.0.1:${String(options.pagePort)}`
    throw new AppError(taken ? 'address-in-use' : 'address-unusable', `cannot serve ${where}`, { cause })
  }
  return { url, [Symbol.asyncDispose]: close }
}

function failureOf(error: FastifyError | AppError): [number, PageFailure['code']] {
  if (error instanceof AppError)
    return storageFaults.has(error.code) ? [503, 'cannot-store'] : [409, 'failed']
  if (error.statusCode === 413) return [413, 'too-large']
  if (error.statusCode !== undefined && error.statusCode < 500) return [error.statusCode, 'unreadable']
  return [500, 'failed']
}
