import { ServerClient } from '../../agent/sync/client.ts'
import type { Response } from '../../agent/sync/classify.ts'
import { registrationPath } from '../../shared/contracts/vlt-clients.ts'
import type { Kiosk } from './kiosk.ts'
import { Broken, type Accepted } from './ledger.ts'
import type { Heard } from './network.ts'
import type { Request } from './server-machine.ts'
import type { Timeline } from './timeline.ts'

/** `what` names the request in the trace. */
export type Send = (request: Request, what: string, signal: AbortSignal) => Promise<Heard>

const minuteMs = 60_000
/** Requests in a minute that got nothing done: one a second for those who wait, and what back-off itself adds. */
const hot = 90
/** Longest wait that a server may ask for: see classify.ts. */
const longestWaitMs = 3_600_000
/** After this many failures of its own, a row holds nobody up any more. */
const patience = 5

/** The agent's way out: its HTTP client on the simulated network, and watched for manners. */
export class Line extends ServerClient {
  static readonly url = 'http://server.test'
  readonly #kiosk: Kiosk
  readonly #timeline: Timeline
  readonly #send: Send
  /** Requests since something was last delivered or refused. */
  #fruitless: number[] = []
  /** Until then nothing may be sent, by path; `*` is everything. */
  readonly #quietUntil = new Map<string, number>()

  constructor(parts: { kiosk: Kiosk; timeline: Timeline; send: Send }) {
    super(Line.url, 'simulation', { connectMs: 5_000, answerMs: 10_000, totalMs: 30_000 })
    this.#kiosk = parts.kiosk
    this.#timeline = parts.timeline
    this.#send = parts.send
  }

  override async post(path: string, body: string, key: string, signal: AbortSignal): Promise<Response> {
    const row = this.#kiosk.ledger.byKey(key)
    this.#watchPace(path)
    if (row !== undefined) this.#watchOrder(row)
    const headers = { 'content-type': 'application/json', 'idempotency-key': `"${key}"` }
    const { response, askedMs } = await this.#send(
      { method: 'POST', path, headers, body },
      `${this.#kiosk.name} sends ${row?.label ?? 'a stranger'}`,
      signal,
    )
    this.#hear(path, response, askedMs)
    return response
  }

  override async probe(signal: AbortSignal): Promise<Response> {
    this.#watchPace('*')
    const request: Request = { method: 'GET', path: '/health/live', headers: {} }
    return (await this.#send(request, `${this.#kiosk.name} probes`, signal)).response
  }

  /** A registration was delivered, or refused for good. */
  progressed(): void {
    this.#fruitless = []
  }

  #watchPace(path: string): void {
    const now = this.#timeline.nowMs
    for (const about of ['*', path]) {
      const until = this.#quietUntil.get(about) ?? 0
      if (until > now) {
        throw new Broken('retry-after', `${this.#kiosk.name} comes ${String(until - now)} ms too early`)
      }
    }
    this.#fruitless = [...this.#fruitless.filter((at) => at > now - minuteMs), now]
    if (this.#fruitless.length > hot) {
      throw new Broken('hot', `${this.#kiosk.name} sent ${String(hot)} requests in a minute for nothing`)
    }
  }

  #hear(path: string, response: Response, askedMs: number | undefined): void {
    if (response.kind === 'failure' || askedMs === undefined) return
    const about = response.status === 429 && path !== registrationPath ? path : '*'
    this.#quietUntil.set(about, this.#timeline.nowMs + Math.min(askedMs, longestWaitMs))
  }

  /** Registrations of one client, and those of one card, go in the order in which they were accepted. */
  #watchOrder(sent: Accepted): void {
    for (const row of this.#kiosk.rows()) {
      if (row.id === sent.id) return
      const earlier = this.#kiosk.ledger.find(row.id)?.registration
      if (earlier === undefined || row.state !== 'pending' || row.failures >= patience) continue
      const { subject, card } = sent.registration
      if (earlier.subject === subject || (card !== '' && earlier.card === card)) {
        throw new Broken('order', `${sent.label} is sent before ${this.#kiosk.ledger.labelOf(row.id)}`)
      }
    }
  }
}
