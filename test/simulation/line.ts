import { z } from 'zod'
import { ServerClient } from '../../agent/sync/client.ts'
import type { Response } from '../../agent/sync/classify.ts'
import { joinPath, keyPath, kioskPrefix, registrationsPath } from '../../shared/contracts/kiosk-sync.ts'
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
/** After so many failures in a row, with nothing else getting through, one that waits for a row may go right after it. */
const scoutedAfter = 9

const batch = z.object({ items: z.array(z.object({ idempotencyKey: z.string() })) })

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
  /** How often each row was sent since something was last delivered or refused. */
  readonly #tries = new Map<string, number>()
  /** Rows that failed without a wait in between, up to this time. */
  readonly #failedNow = new Set<string>()
  #failedNowMs = 0

  constructor(parts: { kiosk: Kiosk; timeline: Timeline; send: Send }) {
    super(Line.url, 'simulation', { connectMs: 5_000, answerMs: 10_000, totalMs: 30_000 })
    this.#kiosk = parts.kiosk
    this.#timeline = parts.timeline
    this.#send = parts.send
  }

  override async request(
    path: string,
    body: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Response> {
    const { ledger, name } = this.#kiosk
    const rows = keysIn(path, body, headers).flatMap((key) => ledger.byKey(key) ?? [])
    // What a person does at the machine is no part of what goes on by itself.
    if (path !== joinPath && path !== keyPath) this.#watchPace(path, rows)
    this.#watchOrder(rows)
    const what = rows.length === 0 ? path : rows.map(({ label }) => label).join(', ')
    const { response, askedMs } = await this.#send(
      { method: 'POST', path, headers, body },
      `${name} sends ${what}`,
      signal,
    )
    this.#hear(path, rows, response, askedMs)
    return response
  }

  override async probe(signal: AbortSignal): Promise<Response> {
    this.#watchPace('*', [])
    const request: Request = { method: 'GET', path: '/health/live', headers: {} }
    return (await this.#send(request, `${this.#kiosk.name} probes`, signal)).response
  }

  /** A registration was delivered, or refused for good. */
  progressed(): void {
    this.#fruitless = []
    this.#tries.clear()
    this.#failedNow.clear()
  }

  #watchPace(path: string, rows: readonly Accepted[]): void {
    const now = this.#timeline.nowMs
    // A batch of those that somebody waits for is no part of the backlog that was asked to wait.
    const isLive = rows.length > 0 && rows.every(({ id }) => this.#kiosk.isAwaited(id))
    for (const about of isLive ? ['*'] : ['*', path]) {
      const until = this.#quietUntil.get(about) ?? 0
      if (until > now) {
        throw new Broken(
          'retry-after',
          `${this.#kiosk.name} comes to ${path} ${(until - now).toFixed()} ms too early`,
        )
      }
    }
    this.#fruitless = [...this.#fruitless.filter((at) => at > now - minuteMs), now]
    if (this.#fruitless.length > hot) {
      throw new Broken('hot', `${this.#kiosk.name} sent ${String(hot)} requests in a minute for nothing`)
    }
  }

  #hear(path: string, rows: readonly Accepted[], response: Response, askedMs: number | undefined): void {
    for (const { id } of rows) {
      this.#tries.set(id, (this.#tries.get(id) ?? 0) + 1)
      this.#failedNow.add(id)
    }
    this.#failedNowMs = this.#timeline.nowMs
    if (response.kind === 'failure' || askedMs === undefined) return
    this.#failedNow.clear()
    const isOwn = path.startsWith(kioskPrefix)
      ? rows.length !== 1
      : response.status === 429 && path !== registrationPath
    const until = this.#timeline.nowMs + Math.min(askedMs, longestWaitMs)
    this.#quietUntil.set(isOwn ? path : '*', until)
  }

  /** Registrations of one client, and those of one card, go in the order in which they were accepted. */
  #watchOrder(sent: readonly Accepted[]): void {
    if (this.#timeline.nowMs > this.#failedNowMs) this.#failedNow.clear()
    const isScouted = [...this.#failedNow].some((id) => (this.#tries.get(id) ?? 0) >= scoutedAfter)
    const waiting = new Map<string, string>()
    const isSent = new Set(sent.map(({ id }) => id))
    for (const { id, state, failures } of this.#kiosk.rows()) {
      const row = this.#kiosk.ledger.find(id)
      if (row === undefined || state !== 'pending') continue
      const { system, subject, card } = row.registration
      const own = [`${system} ${subject}`, ...(card === '' ? [] : [card])]
      for (const group of own) {
        const earlier = waiting.get(group)
        if (isSent.has(id) && earlier !== undefined) {
          throw new Broken('order', `${row.label} is sent before or with ${earlier}`)
        }
        const isPassed = (isScouted && this.#failedNow.has(id)) || this.#kiosk.ledger.wereDead.has(id)
        if (failures < patience && !isPassed) waiting.set(group, row.label)
      }
    }
  }
}

function keysIn(path: string, body: string, headers: Record<string, string>): string[] {
  if (path === registrationsPath) {
    return batch.parse(JSON.parse(body)).items.map(({ idempotencyKey }) => idempotencyKey)
  }
  return [headers['idempotency-key']?.replaceAll('"', '') ?? '']
}
