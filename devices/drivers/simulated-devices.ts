import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'

/** What the open session of a simulated reader lets the outside do to it. */
export interface SimulatedLine {
  /** One whole frame with this text, as the reader's options say it is framed. */
  frame(text: string): void
  raw(bytes: Uint8Array): void
  removed(): void
  fail(error: AppError): void
  /** Aborts when the session is over. */
  readonly closed: AbortSignal
}

/** How often a card that lies on a simulated reader is read again. */
const repeatMs = 100

/**
 * The simulated readers of one agent, by path. The composition root creates it and hands it down in ReaderContext;
 * `vlt-agent reader simulate`, the demo and tests play cards and faults through it.
 *
 * Every method throws `reader-not-found` when no simulated reader is open under that path.
 */
export class SimulatedDevices {
  readonly #clock: Clock
  readonly #lines = new Map<string, SimulatedLine>()
  readonly #absentUntilMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Paths of the readers that are open now. */
  get paths(): string[] {
    return [...this.#lines.keys()]
  }

  /** A card appears and leaves. */
  tap(path: string, text: string): void {
    const line = this.#line(path)
    line.frame(text)
    line.removed()
  }

  /** A card lies on the reader for `forMs`. Resolves when it has left, or the session is over. */
  async hold(path: string, text: string, forMs: number): Promise<void> {
    const line = this.#line(path)
    const untilMs = this.#clock.monoMs() + forMs
    while (!line.closed.aborted) {
      line.frame(text)
      const leftMs = untilMs - this.#clock.monoMs()
      await this.#clock.sleep(Math.max(0, Math.min(repeatMs, leftMs)), line.closed)
      if (leftMs <= repeatMs) break
    }
    if (!line.closed.aborted) line.removed()
  }

  /** Bytes on the wire, whole frames or not. Text is sent as UTF-8, without a terminator of ours. */
  raw(path: string, bytes: Uint8Array | string): void {
    this.#line(path).raw(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes)
  }

  /** The reader is gone for `forMs`; opening it fails until then. */
  unplug(path: string, forMs: number): void {
    const line = this.#line(path)
    this.#absentUntilMs.set(path, this.#clock.monoMs() + forMs)
    line.fail(new AppError('reader-unplugged', `simulated reader ${path} was unplugged`))
  }

  /** For the driver: a session opens, and stays listed until its `closed` aborts. */
  attach(path: string, line: SimulatedLine): void {
    if (this.#clock.monoMs() < (this.#absentUntilMs.get(path) ?? -Infinity)) {
      throw new AppError('reader-not-found', `simulated reader ${path} is unplugged`)
    }
    if (this.#lines.has(path)) throw new AppError('reader-busy', `simulated reader ${path} is already open`)
    this.#lines.set(path, line)
    line.closed.addEventListener('abort', () => this.#lines.delete(path), { once: true })
  }

  #line(path: string): SimulatedLine {
    const line = this.#lines.get(path)
    if (line === undefined) throw new AppError('reader-not-found', `no simulated reader ${path} is open`)
    return line
  }
}
