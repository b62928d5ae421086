import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { nativeCode } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { type Answer, sendAnswer } from './answer.ts'

/** A system as seen from outside its routes: the paths it answers for, and how it says that one is none. */
export interface Dialect {
  prefix: string
  /** `path` comes as Laravel names it: without query and outer slashes. */
  unmatched: (method: string, path: string) => Answer
}

/**
 * Answers what no route takes: unknown addresses (in the dialect of the system they lie below), broken requests
 * outside every system, bugs. The framework's own bodies never leave.
 */
export function answerTheRest(app: FastifyInstance, dialects: Dialect[], log: Log): void {
  const unmatched = answerUnmatched(dialects)
  app.setNotFoundHandler(unmatched)
  app.addHook('onRequest', async (request, reply) => {
    // Fastify would read, and could refuse, the body of a request that goes nowhere.
    if (request.is404) return unmatched(request, reply)
  })
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = clientFault(error)
    if (status === undefined) logIncident(log, request.id, error)
    return sendAnswer(reply, bare(status ?? 500))
  })
}

/** Answers a request that no route takes; also those whose address cannot even be decoded. */
export function answerUnmatched(dialects: Dialect[]) {
  return (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = plainPath(request.url)
    const dialect = dialects.find(({ prefix }) => `/${path}/`.startsWith(`${prefix}/`))
    return sendAnswer(reply, dialect?.unmatched(request.method, path) ?? routeNotFound(path))
  }
}

/** What a dialect without a shape of its own says about an unknown address. */
export function routeNotFound(path: string): Answer {
  return { status: 404, body: { message: `The route ${path} could not be found.` } }
}

/** Status of an error that the request caused, or undefined when the fault is ours. */
export function clientFault(error: { statusCode?: number | undefined }): number | undefined {
  const { statusCode } = error
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500 ? statusCode : undefined
}

/** The one place where a bug is logged, under the id of its request line: the answer tells nothing of it. */
export function logIncident(log: Log, requestId: string, error: unknown): void {
  log.error({ err: error, incident: requestId }, 'request failed')
}

const parserStatus: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** Bytes that are no HTTP request: answered by hand, because no request object exists. */
export function answerParserError(error: Error, socket: Duplex & { bytesWritten?: number }): void {
  const code = nativeCode(error)
  // A request already being answered on this socket must not get a second answer into its middle.
  const answering =
    (socket as { _httpMessage?: { headersSent: boolean } | null })._httpMessage?.headersSent === true
  if (code === 'ECONNRESET' || !socket.writable || answering) {
    socket.destroy()
    return
  }
  const status = parserStatus[code ?? ''] ?? 400
  const body = JSON.stringify(bare(status).body)
  socket.end(
    `HTTP/1.1 ${String(status)} ${String(STATUS_CODES[status])}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${String(body.length)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

function bare(status: number): Answer {
  return { status, body: { message: status === 500 ? 'Server Error' : STATUS_CODES[status] } }
}

/** As Laravel names a path: without query and outer slashes; more than one at an end is another path. */
function plainPath(url: string): string {
  const path = url.split('?', 1)[0]?.replace(/^\//, '').replace(/\/$/, '') ?? ''
  return path === '' ? '/' : path
}
