import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request as it came over the socket. */
export interface Received {
  atMs: number
  path: string
  key: string
  card: string
  headers: IncomingMessage['headers']
  rawBody: string
}

export interface ScriptedAnswer {
  status: number
  headers?: Record<string, string>
  /** Default: the documented receipt for the card. */
  body?: string
  /** Hang up instead of answering. */
  hangUp?: boolean
  delayMs?: number
}

/** Real HTTP on loopback with answers to order: the seam at which the sync is tested. Health probes are not listed. */
export class ScriptedServer implements AsyncDisposable {
  readonly received: Received[] = []
  answer: (request: Received) => ScriptedAnswer = () => ({ status: 201 })
  /** How the health probe is answered. */
  health: Pick<ScriptedAnswer, 'status' | 'headers'> = { status: 200 }
  /** Every answer begins, and then goes on without end, a byte at a time. */
  drip = false
  readonly #server = createServer((request, response) => {
    let rawBody = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (rawBody += chunk))
    request.on('end', () => {
      if (request.url === '/health/live') {
        const { status, headers } = this.health
        response.writeHead(status, { 'content-type': 'application/json', ...headers }).end('{}')
        return
      }
      const { tarjeta } = JSON.parse(rawBody) as { tarjeta: string }
      const received: Received = {
        atMs: performance.now(),
        path: request.url ?? '',
        key: String(request.headers['idempotency-key']),
        card: tarjeta,
        headers: request.headers,
        rawBody,
      }
      this.received.push(received)
      if (this.drip) {
        response.writeHead(201, { 'content-type': 'application/json' })
        const dripping = setInterval(() => response.write(' '), 20)
        response.once('close', () => {
          clearInterval(dripping)
        })
        return
      }
      const { status, headers, body, hangUp, delayMs = 0 } = this.answer(received)
      setTimeout(() => {
        if (hangUp === true) request.socket.destroy()
        else
          response
            .writeHead(status, { 'content-type': 'application/json', ...headers })
            .end(body ?? receiptFor(tarjeta))
      }, delayMs)
    })
  })

  static async open(port = 0): Promise<ScriptedServer> {
    const scripted = new ScriptedServer()
    await new Promise<void>((resolve) => {
      scripted.#server.listen(port, '127.0.0.1', resolve)
    })
    return scripted
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}`
  }

  cards(): string[] {
    return this.received.map(({ card }) => card)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

function receiptFor(tarjeta: string): string {
  return JSON.stringify({ id: 11, tarjeta, mensaje: 'cliente nuevo', esDuplicado: false })
}
