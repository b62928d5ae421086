import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type RegistrationItem,
  registrationsPath,
  reportPath,
  sequenceHeader,
} from '../../shared/contracts/kiosk-sync.ts'

/** One request as it came. */
export interface KioskRequest {
  atMs: number
  path: string
  sequence: number
  headers: IncomingMessage['headers']
  body: string
  /** Of a batch; the documented endpoint brings one without a number. */
  items: Pick<RegistrationItem, 'idempotencyKey' | 'body'>[]
}

export interface KioskAnswer {
  status: number
  headers?: Record<string, string>
  body?: string
  hangUp?: boolean
  delayMs?: number
}

/** Real HTTP on loopback with answers to order, for what a kiosk sends. */
export class ScriptedKioskServer implements AsyncDisposable {
  readonly received: KioskRequest[] = []
  /** Undefined for the answer of a server that takes everything. */
  answer: (request: KioskRequest) => KioskAnswer | undefined = () => undefined
  /** What becomes of an item of a batch. */
  item: (
    body: Record<string, unknown>,
  ) => Omit<KioskAnswer, 'hangUp' | 'delayMs'> & { owner?: 'own' | 'other' } = () => ({ status: 201 })
  readonly #server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      this.#take(request, response, body)
    })
  })

  static async open(): Promise<ScriptedKioskServer> {
    const scripted = new ScriptedKioskServer()
    await new Promise<void>((resolve) => {
      scripted.#server.listen(0, '127.0.0.1', resolve)
    })
    return scripted
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`
  }

  /** Batches and single registrations, without probes and reports. */
  get deliveries(): KioskRequest[] {
    return this.received.filter(({ items }) => items.length > 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #take({ url: path = '', headers, socket }: IncomingMessage, response: ServerResponse, body: string): void {
    if (path.startsWith('/health')) {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      return
    }
    const key = String(headers['idempotency-key']).replaceAll('"', '')
    const items = path.startsWith('/api/')
      ? [{ idempotencyKey: key, body }]
      : ((JSON.parse(body) as { items?: RegistrationItem[] }).items ?? [])
    const sequence = Number(headers[sequenceHeader] ?? Number.NaN)
    const request: KioskRequest = { atMs: performance.now(), path, sequence, headers, body, items }
    this.received.push(request)
    const answer = this.answer(request) ?? { status: this.#statusOf(path), body: this.#bodyOf(request) }
    setTimeout(() => {
      if (answer.hangUp === true) socket.destroy()
      else {
        const json = { 'content-type': 'application/json', ...answer.headers }
        response.writeHead(answer.status, json).end(answer.body ?? '{}')
      }
    }, answer.delayMs ?? 0)
  }

  #statusOf(path: string): number {
    return path.startsWith('/api/') ? 201 : 200
  }

  #bodyOf({ path, items }: KioskRequest): string {
    if (path === reportPath) return JSON.stringify({ agrees: true, taken: 0, gaps: [] })
    const results = items.map(({ idempotencyKey, body }) => {
      const sent = JSON.parse(body) as Record<string, unknown>
      const receipt = { id: 1, tarjeta: sent['tarjeta'], mensaje: 'cliente nuevo', esDuplicado: false }
      return { idempotencyKey, headers: {}, body: JSON.stringify(receipt), ...this.item(sent) }
    })
    return path === registrationsPath ? JSON.stringify({ results }) : (results[0]?.body ?? '{}')
  }
}

/** A refusal in the words of /v1/kiosk. */
export function refusal(status: number, code: string, more: Record<string, string> = {}): KioskAnswer {
  return { status, body: JSON.stringify({ code, message: code, ...more }) }
}
