import { Agent, request, type Dispatcher } from 'undici'
import { nativeCode } from '../../shared/errors.ts'
import type { Response } from './classify.ts'

/** Largest answer read, in bytes; the documented ones have about a hundred, one to a full batch some forty thousand. */
const maxAnswerBytes = 1024 * 1024

export interface Timeouts {
  connectMs: number
  /** From the request's last byte to the answer's first header, and between two pieces of its body. */
  answerMs: number
  /** For the whole exchange, however it drips. */
  totalMs: number
}

/** Codes that undici and Node give before a single byte of the request has left. */
const notSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** HTTP to the one server. Answers are values, failures too: nothing here throws but an abort. */
export class ServerClient implements AsyncDisposable {
  readonly #origin: URL
  readonly #dispatcher: Agent
  readonly #userAgent: string
  readonly #totalMs: number
  readonly #onDate: (date: string) => void

  /** @param onDate hears the Date header of every answer */
  constructor(
    serverUrl: string,
    version: string,
    timeouts: Timeouts,
    onDate: (date: string) => void = () => undefined,
  ) {
    this.#onDate = onDate
    this.#origin = new URL(serverUrl)
    this.#userAgent = `vlt-agent/${version}`
    this.#totalMs = timeouts.totalMs
    this.#dispatcher = new Agent({
      // One for deliveries, one for questions that must not wait behind them.
      connections: 2,
      connect: { timeout: timeouts.connectMs },
      headersTimeout: timeouts.answerMs,
      bodyTimeout: timeouts.answerMs,
    })
  }

  /** Posts JSON text below the server's URL. `signal` cuts it off: the row then stays pending. */
  async post(path: string, body: string, idempotencyKey: string, signal: AbortSignal): Promise<Response> {
    // A structured-field string, as the draft of the header has it.
    const headers = { 'content-type': 'application/json', 'idempotency-key': `"${idempotencyKey}"` }
    return this.request(path, body, headers, signal)
  }

  /** The same with headers of the caller's. */
  async request(
    path: string,
    body: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Response> {
    return this.#send(path, {
      method: 'POST',
      body,
      signal,
      headers: { ...headers, accept: 'application/json' },
    })
  }

  /** Where a path lies on this server. */
  address(path: string): URL {
    return new URL(this.#origin.pathname.replace(/\/$/, '') + path, this.#origin)
  }

  /** Is anybody there? Whatever answers counts, since not every server has our health routes. */
  async probe(signal: AbortSignal): Promise<Response> {
    return this.#send('/health/live', { method: 'GET', signal, headers: { accept: 'application/json' } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.destroy()
  }

  async #send(
    path: string,
    options: Pick<Dispatcher.RequestOptions, 'method' | 'body'> & {
      signal: AbortSignal
      headers: Record<string, string>
    },
  ): Promise<Response> {
    try {
      const answer = await request(this.address(path), {
        ...options,
        signal: AbortSignal.any([options.signal, AbortSignal.timeout(this.#totalMs)]),
        headers: { ...options.headers, 'user-agent': this.#userAgent },
        dispatcher: this.#dispatcher,
      })
      const headers = firstValues(answer.headers)
      if (headers['date'] !== undefined) this.#onDate(headers['date'])
      return { kind: 'answer', status: answer.statusCode, headers, body: await readBounded(answer.body) }
    } catch (error) {
      const code = failureCode(error)
      return { kind: 'failure', code, sent: !notSent.has(code) }
    }
  }
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    // What is longer is not the documented answer; the truncated text will not parse as one.
    if (size > maxAnswerBytes) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function firstValues(
  headers: Record<string, string | string[] | undefined>,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value[0] : value,
    ]),
  )
}

/** The innermost code: undici wraps what the socket said, and a host with several addresses wraps once more. */
function failureCode(error: unknown): string {
  const cause = (error as { cause?: unknown } | null)?.cause
  return nativeCode(cause) ?? nativeCode(error) ?? 'UNKNOWN'
}
