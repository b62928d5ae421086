import type { AppError } from '../../shared/errors.ts'
import type { Codec, Decoded } from '../codecs/codec.ts'
import { EventQueue } from '../event-queue.ts'
import { QuietClock } from '../quiet-clock.ts'
import type { Reader, ReaderCapabilities, ReaderContext, ReaderEvent } from '../reader.ts'
import type { Receiver, Transport } from '../transports/transport.ts'

/** A person taps at most a few cards a second; this many events unread means that nobody reads. */
const maxWaiting = 256

type Surroundings = Pick<ReaderContext, 'clock' | 'trace'>

/** One session of a reader that speaks by itself: codec, idle timer and queue live and die with it. */
export class CodecSession implements Reader, Receiver {
  readonly capabilities: ReaderCapabilities
  readonly #surroundings: Surroundings
  readonly #quiet: QuietClock
  readonly #codec: Codec
  readonly #queue = new EventQueue<ReaderEvent>(maxWaiting)
  readonly #closing = new AbortController()
  #transport: Transport | undefined
  #watching = false

  private constructor(surroundings: Surroundings, codec: Codec, capabilities: ReaderCapabilities) {
    this.#surroundings = surroundings
    this.#quiet = new QuietClock(surroundings.clock)
    this.#codec = codec
    this.capabilities = capabilities
  }

  /** `codec` is fresh. `open` is given where to deliver; what it throws is what this throws. */
  static async open<T extends Transport>(
    surroundings: Surroundings,
    codec: Codec,
    capabilities: ReaderCapabilities,
    open: (receiver: Receiver) => T | Promise<T>,
  ): Promise<CodecSession> {
    const session = new CodecSession(surroundings, codec, capabilities)
    session.#transport = await open(session)
    return session
  }

  /** Aborts when the session is over, for whatever reason. */
  get closed(): AbortSignal {
    return this.#closing.signal
  }

  events(): AsyncIterable<ReaderEvent> {
    return this.#queue.read()
  }

  bytes(chunk: Uint8Array): void {
    this.#surroundings.trace(chunk, 'in')
    this.#report(this.#codec.push(chunk, this.#quiet.nowMs()))
    void this.#watchForSilence()
  }

  failed(error: AppError): void {
    this.#report(this.#codec.reset())
    this.#queue.fail(error)
    this.#closing.abort()
  }

  /** The card has left, on readers that say so. */
  removed(): void {
    this.#queue.push({ type: 'removed', receivedAtMonoMs: this.#surroundings.clock.monoMs() })
  }

  /** Something is wrong although it reads; null: no longer. */
  fault(fault: AppError | null): void {
    this.#queue.push({ type: 'fault', fault })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue.end()
    this.#closing.abort()
    await this.#transport?.[Symbol.asyncDispose]()
  }

  async #watchForSilence(): Promise<void> {
    if (this.#watching) return
    this.#watching = true
    while (this.#codec.dueMs !== undefined && !this.closed.aborted) {
      await this.#quiet.step(this.closed)
      this.#report(this.#codec.idle(this.#quiet.nowMs()))
    }
    this.#watching = false
  }

  #report(decoded: Decoded[]): void {
    for (const outcome of decoded) {
      this.#queue.push(
        'frame' in outcome
          ? { type: 'frame', ...outcome.frame, receivedAtMonoMs: this.#surroundings.clock.monoMs() }
          : { type: 'rejected', ...outcome.rejected },
      )
    }
  }
}
