import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify'
import { parseWireJson } from '../../shared/wire-json.ts'

/** Longest request body, in bytes, where a route does not set `maxBodyBytes` in its config. */
export const maxBodyBytes = 64 * 1024

declare module 'fastify' {
  interface FastifyContextConfig {
    maxBodyBytes?: number
  }
}

// A body over the limit is still read this far, so that its sender gets to see the answer instead of a reset.
const maxDiscardBytes = 4 * 1024 * 1024

/**
 * Gives handlers the body as the bytes that came, whatever its type says: dialects judge type and content
 * themselves. A longer body fails with status 413.
 */
export function takeRawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request, payload, done) => {
    const { maxBodyBytes: longest = maxBodyBytes } = request.routeOptions.config
    const chunks: Buffer[] = []
    let bytes = 0
    payload.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= longest) chunks.push(chunk)
      else if (bytes > maxDiscardBytes) finish()
    })
    payload.on('end', finish)
    payload.on('error', finish)

    function finish(error?: Error): void {
      payload.removeAllListeners('data').removeListener('end', finish).removeListener('error', finish)
      // Whoever breaks off while sending hears no answer, but must not bring the process down either.
      payload.on('error', () => undefined)
      if (error !== undefined) done(asClientFault(error, 400), undefined)
      else if (bytes > longest) done(asClientFault(new Error('request body too large'), 413), undefined)
      else done(null, Buffer.concat(chunks, bytes))
    }
  })
}

function asClientFault(error: Error, statusCode: number): FastifyError {
  return Object.assign(error, { statusCode, code: 'REQUEST_BODY' })
}

/** The bytes of the body; none came for an empty one. */
export function rawBody(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
}

/** Whether the body is said to be JSON. */
export function isJson({ headers }: FastifyRequest): boolean {
  return /[/+]json$/i.test(headers['content-type']?.split(';', 1)[0]?.trim() ?? '')
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The JSON object in the body, numbers as shared/wire-json.ts reads them; or undefined for another content
 * type, bytes that are not UTF-8, text that is not JSON, and JSON that is no object.
 */
export function jsonObject(request: FastifyRequest): Record<string, unknown> | undefined {
  return isJson(request) ? readJsonObject(rawBody(request)) : undefined
}

/** The same of bytes, whatever they are said to be. */
export function readJsonObject(bytes: Buffer): Record<string, unknown> | undefined {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return undefined
  }
  if (!text.trimStart().startsWith('{')) return undefined
  return parseWireJson(text) as Record<string, unknown> | undefined
}
