import type { Response } from '../../agent/sync/classify.ts'
import { answer, failure, fairFate, fate, type Fate, type Weather } from './faults.ts'
import type { MachineClock } from './machine-clock.ts'
import type { Random } from './random.ts'
import type { Request, ServerMachine } from './server-machine.ts'
import type { Timeline } from './timeline.ts'

/** What came back, and how long the answer asked to wait. */
export interface Heard {
  response: Response
  askedMs: number | undefined
}

/** The agent's own: see agent.ts. */
const answerTimeoutMs = 10_000

/** Everything between the kiosks and the server. */
export class Network {
  weather: Weather = 'clear'
  /** Whatever carries this text gets a 500, as from a server with a bug of its own for it. */
  readonly cursed = new Set<string>()
  readonly #timeline: Timeline
  readonly #server: ServerMachine
  readonly #serverClock: MachineClock
  readonly #random: Random
  readonly #note: (line: string) => void
  readonly #broken: (error: unknown) => void

  constructor(parts: {
    timeline: Timeline
    server: ServerMachine
    serverClock: MachineClock
    random: Random
    note: (line: string) => void
    broken: (error: unknown) => void
  }) {
    this.#timeline = parts.timeline
    this.#server = parts.server
    this.#serverClock = parts.serverClock
    this.#random = parts.random
    this.#note = parts.note
    this.#broken = parts.broken
  }

  /** `what` names the request in the trace. */
  send(request: Request, from: string, what: string, signal: AbortSignal): Promise<Heard> {
    if (signal.aborted) return Promise.resolve({ response: failure('ABORT_ERR', false), askedMs: undefined })
    const fate = this.#fate(request)
    if (fate.name !== '') this.#note(`${what}: ${fate.name}${told(fate)}`)
    return new Promise((resolve) => {
      const end = (response: Response, askedMs?: number): void => {
        stopWaiting()
        signal.removeEventListener('abort', cut)
        resolve({ response, askedMs })
      }
      const cut = (): void => {
        end(failure('ABORT_ERR', true))
      }
      const stopWaiting = this.#timeline.after(answerTimeoutMs, () => {
        end(failure('UND_ERR_HEADERS_TIMEOUT', true))
      })
      signal.addEventListener('abort', cut)
      for (const [copy, arrivesMs] of fate.arrivals.entries()) {
        this.#timeline.after(arrivesMs, () => {
          this.#arrive(request, from, what, (response) => {
            if (copy === 0) this.#goBack(fate, response, end)
          }).catch(this.#broken)
        })
      }
      if (fate.arrivals.length === 0) this.#goBack(fate, undefined, end)
    })
  }

  #fate(request: Request): Fate {
    const { body = '', headers } = request
    for (const text of this.cursed) {
      if (body.includes(text) || (headers['idempotency-key'] ?? '').includes(text)) {
        return { ...fairFate(this.#random), name: 'cursed', arrivals: [], back: answer(500) }
      }
    }
    return fate(this.#random, this.weather, this.#serverClock.wallMs)
  }

  async #arrive(
    request: Request,
    from: string,
    what: string,
    back: (response: Response) => void,
  ): Promise<void> {
    const answered = await this.#server.answer(request, from)
    if (answered === undefined) {
      this.#note(`${what}: no server`)
      back(this.#server.isUp ? failure('ECONNRESET', true) : failure('ECONNREFUSED', false))
      return
    }
    this.#note(`${what}: server says ${String(answered.status)}`)
    const { status, body } = answered
    // Node stamps answers with this machine's own time.
    const headers = { ...answered.headers, date: new Date(this.#serverClock.wallMs).toUTCString() }
    back({ kind: 'answer', status, body, headers })
  }

  #goBack(
    fate: Fate,
    response: Response | undefined,
    end: (response: Response, askedMs?: number) => void,
  ): void {
    const { back, backMs } = fate
    if (back === 'nothing') return
    const came = typeof back === 'object' ? back : back === 'half' ? half(response) : response
    if (came === undefined) return
    const askedMs = came === back ? fate.askedMs : askedSeconds(came)
    this.#timeline.after(backMs, () => {
      end(came, askedMs)
    })
  }
}

function told({ askedMs }: Fate): string {
  return askedMs === undefined ? '' : ` for ${String(askedMs / 1000)} s`
}

/** A proxy that ends what it did not get whole. */
function half(response: Response | undefined): Response | undefined {
  if (response?.kind !== 'answer') return response
  return { ...response, body: response.body.slice(0, Math.floor(response.body.length / 2)) }
}

/** The server's own answers say it in seconds. */
function askedSeconds(response: Response): number | undefined {
  const seconds = response.kind === 'answer' ? response.headers['retry-after'] : undefined
  return seconds === undefined ? undefined : Number(seconds) * 1000
}
