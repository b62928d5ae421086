import type { Clock } from '../../shared/clock.ts'
import {
  type Gap,
  registrationsAnswer,
  registrationsPath,
  type RegistrationsRequest,
  type Report,
  reportAnswer,
  reportPath,
} from '../../shared/contracts/kiosk-sync.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { type KioskChannel, refusalCode } from '../kiosk/channel.ts'
import { isSameServer } from '../kiosk/same-server.ts'
import { type CardOwner, ownedReceipt } from '../outbox/owned-receipt.ts'
import type { Settlement, StoredRegistration, System, Watermark } from '../outbox/registration.ts'
import { version } from '../version.ts'
import { classifyFailure, retryAfterMs, type Response, type Verdict } from './classify.ts'
import type { ServerClient } from './client.ts'
import { Drain } from './drain.ts'
import type { Failure } from './way.ts'

/** What became of a request to /v1/kiosk. */
export type Outcome =
  /** An answer for each registration, in their order. */
  | { kind: 'answered'; responses: Response[]; paceHeaders: Record<string, string | undefined> }
  /** Not this way for now: the documented endpoint takes them. */
  | { kind: 'fall-back' }
  | { kind: 'failed'; verdict: Verdict & { kind: 'retry' | 'pause' } }

/** Systems that go in batches. */
export const batched: System = 'vlt-clients'
/** Of a whole request, in bytes: some seconds on a poor line. */
const maxBytes = 512 * 1024
/** How long the documented endpoint is used before batches are tried again. */
const againAfterMs = { 'kiosk-pending': 30_000, 'kiosk-unsupported': 300_000 }

/** Delivery by signed batches, for a machine that has joined the server: faster, and within a limit of its own. */
export class Batches {
  readonly drain: Drain
  readonly channel: KioskChannel
  readonly #clock: Clock
  #documented: { reason: ErrorCode; untilMonoMs: number } | undefined
  /** Where the server's count of what we delivered differs from ours. */
  gaps: Gap[] = []

  constructor(channel: KioskChannel, clock: Clock) {
    this.channel = channel
    this.drain = new Drain(clock)
    this.#clock = clock
  }

  /** Why the documented endpoint is used, null for no reason, of a machine that has joined `serverUrl`. */
  reason(serverUrl: string | null): ErrorCode | null {
    const { status } = this.channel
    if (status === null) return 'kiosk-not-joined'
    if (serverUrl === null || !isSameServer(status.serverUrl, serverUrl)) return 'kiosk-joined-elsewhere'
    return this.#documented?.reason ?? null
  }

  /** Whether to send batches to that server now. */
  isUsable(serverUrl: string | null): boolean {
    if (this.#documented !== undefined && this.#documented.untilMonoMs <= this.#clock.monoMs()) {
      this.#documented = undefined
    }
    return this.reason(serverUrl) === null
  }

  /** Another identity, or a person who has mended something: batches are tried again. */
  tryAgain(): void {
    this.#documented = undefined
  }

  /** As many of the rows as fit one request, one at least. */
  fitting(rows: StoredRegistration[]): StoredRegistration[] {
    let bytes = 0
    const end = rows.findIndex(({ body }) => (bytes += body.length * 2) > maxBytes)
    return end === -1 ? rows : rows.slice(0, Math.max(1, end))
  }

  async send(
    client: ServerClient,
    epoch: string,
    rows: StoredRegistration[],
    signal: AbortSignal,
  ): Promise<Outcome> {
    const items = rows.map(({ seq: sequence, system, idempotencyKey, body, consentText }) => ({
      ...{ sequence, system, idempotencyKey, body },
      ...(consentText === null ? {} : { consentText }),
    }))
    const request = { epoch, items } satisfies RegistrationsRequest
    const response = await this.channel.post(client, registrationsPath, JSON.stringify(request), signal)
    if (response.kind === 'answer' && response.status === 200) {
      const { data } = registrationsAnswer.safeParse(asJson(response.body))
      const fits = data?.results.every(
        (result, place) => result.idempotencyKey === rows[place]?.idempotencyKey,
      )
      if (data?.results.length !== rows.length || fits !== true) return unexpected
      const responses = data.results.map(({ status, headers, body, owner }) => ({
        ...{ kind: 'answer' as const, status, headers },
        body: owner === undefined ? body : withOwner(body, owner),
      }))
      return { kind: 'answered', responses, paceHeaders: response.headers }
    }
    // Alone it would be refused for its own size.
    const isTooLarge = response.kind === 'answer' && response.status === 413 && rows.length === 1
    return isTooLarge ? this.#fallBack('kiosk-unsupported') : this.#read(response)
  }

  /** Tells the server how far the outbox has come; undefined once it has answered. */
  async report(
    client: ServerClient,
    watermark: Watermark,
    signal: AbortSignal,
  ): Promise<Outcome | undefined> {
    const { highestSeq: highestSequence, chainHead, ...counts } = watermark
    const report = {
      ...{ ...counts, highestSequence, version, chainHead: chainHead === '' ? null : chainHead },
      documented: this.channel.documented,
    } satisfies Report
    const response = await this.channel.post(client, reportPath, JSON.stringify(report), signal)
    if (response.kind === 'failure' || response.status !== 200) return this.#read(response)
    const { data } = reportAnswer.safeParse(asJson(response.body))
    if (data === undefined) return unexpected
    this.gaps = data.gaps
    return undefined
  }

  #read(response: Response): Outcome {
    if (response.kind === 'failure') {
      return { kind: 'failed', verdict: classifyFailure(response.code, response.sent) }
    }
    const { status, headers } = response
    const refused = refusalCode(response)
    if (refused === 'kiosk-pending') return this.#fallBack(refused)
    if (refused !== undefined) return { kind: 'failed', verdict: { kind: 'pause', error: refused } }
    // 422: a server of another version.
    if ([404, 405, 422].includes(status)) return this.#fallBack('kiosk-unsupported')
    const askedMs = retryAfterMs(headers)
    const error: ErrorCode | undefined = (
      { 413: 'rejected-too-large', 429: 'rate-limited', 503: 'server-unavailable' } as const
    )[status]
    if (error === undefined && status < 500) return unexpected
    const wait = askedMs === undefined ? {} : { waitMs: askedMs }
    return {
      kind: 'failed',
      verdict: { kind: 'retry', error: error ?? 'server-failed', suspect: status >= 500, ...wait },
    }
  }

  #fallBack(reason: keyof typeof againAfterMs): Outcome {
    this.#documented = { reason, untilMonoMs: this.#clock.monoMs() + againAfterMs[reason] }
    return { kind: 'fall-back' }
  }
}

export interface SortedAnswers {
  /** One for each row. */
  settlements: Settlement[]
  /** Rows the server has dealt with. */
  settled: StoredRegistration[]
  failed: Failure[]
}

/** What the answers, one for each row, mean for the outbox. */
export function sortAnswers(
  rows: StoredRegistration[],
  responses: Response[],
  classify: (row: StoredRegistration, response: Response) => Verdict,
): SortedAnswers {
  const sorted: SortedAnswers = { settlements: [], settled: [], failed: [] }
  for (const [place, response] of responses.entries()) {
    const row = rows[place]
    if (row === undefined) throw new Error('there are as many answers as rows')
    const { id } = row
    const verdict = classify(row, response)
    if (verdict.kind === 'delivered' || verdict.kind === 'dead') {
      const { receipt } = verdict
      sorted.settled.push(row)
      sorted.settlements.push(
        verdict.kind === 'dead'
          ? { id, state: 'dead', error: verdict.error, receipt }
          : { id, state: 'delivered', receipt, error: verdict.error },
      )
    } else {
      sorted.failed.push({ row, verdict })
      sorted.settlements.push({ id, state: 'pending', error: verdict.error })
    }
  }
  return sorted
}

const unexpected: Outcome = {
  kind: 'failed',
  verdict: { kind: 'retry', error: 'server-unexpected-answer', suspect: true },
}

/** What the server says of a duplicate's owner is kept with the receipt, and there alone. */
function withOwner(body: string, owner: CardOwner): string {
  const receipt = ownedReceipt.safeParse(asJson(body)).data
  return receipt === undefined ? body : JSON.stringify({ ...receipt, owner })
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
