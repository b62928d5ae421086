import { AppError } from '../../shared/errors.ts'
import { askCardData, askCardLength, askDevice, readCard, readDevice } from '../codecs/pcprox.ts'
import { EventQueue } from '../event-queue.ts'
import type { Reader, ReaderCapabilities, ReaderContext, ReaderEvent } from '../reader.ts'
import type { HidAddress } from '../transports/hid-address.ts'
import { openHid, type HidBus, type HidLine } from '../transports/hid-line.ts'
import type { Receiver } from '../transports/transport.ts'
import { watchLeaks } from './leak-watch.ts'

/** Questions in a row without an answer, of a device that is plugged in, that make it deaf. */
const refusalsToFail = 3
const maxWaiting = 256

type Surroundings = Pick<ReaderContext, 'clock' | 'trace'>

/** One session with a pcProx: it is asked for its card again and again. */
export class PcproxSession implements Reader, Receiver {
  readonly capabilities: ReaderCapabilities = { removal: 'polled' }
  readonly #surroundings: Surroundings
  readonly #pollMs: number
  readonly #queue = new EventQueue<ReaderEvent>(maxWaiting)
  readonly #closing = new AbortController()
  #line: HidLine | undefined
  #lost: AppError | undefined
  #refusals = 0

  private constructor(surroundings: Surroundings, pollMs: number) {
    this.#surroundings = surroundings
    this.#pollMs = pollMs
  }

  /**
   * `pollMs` is the time between two questions. Throws what opening the device does, and `reader-deaf` or
   * `reader-protocol` when it does not say what it is.
   */
  static async open(
    bus: HidBus,
    address: HidAddress,
    pollMs: number,
    { clock, trace, signal }: ReaderContext,
  ): Promise<PcproxSession> {
    const session = new PcproxSession({ clock, trace }, pollMs)
    const line = await openHid(bus, { address, need: 'feature', settleMs: 0 }, session, clock, signal)
    session.#line = line
    try {
      await session.#introduce(line)
    } catch (error) {
      await session[Symbol.asyncDispose]()
      throw error
    }
    void session.#poll(line)
    void watchLeaks(line.device, clock, session.#closing.signal, (fault) => {
      session.#queue.push({ type: 'fault', fault })
    })
    return session
  }

  events(): AsyncIterable<ReaderEvent> {
    return this.#queue.read()
  }

  /** What it types, unless it was told not to. Cards are asked for. */
  bytes(): void {
    return
  }

  failed(error: AppError): void {
    this.#lost ??= error
    this.#queue.fail(error)
    this.#closing.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue.end()
    this.#closing.abort()
    await this.#line?.[Symbol.asyncDispose]()
  }

  async #introduce(line: HidLine): Promise<void> {
    const answer = await this.#ask(line, askDevice).catch((cause: unknown) => {
      throw (
        this.#lost ?? new AppError('reader-deaf', `${line.device.node} does not say what it is`, { cause })
      )
    })
    if (readDevice(answer) === undefined) {
      throw new AppError('reader-protocol', `${line.device.node} does not answer as a pcProx`)
    }
  }

  async #poll(line: HidLine): Promise<void> {
    const { clock } = this.#surroundings
    while (!this.#closing.signal.aborted) {
      try {
        // The data first: that fixes what the length is of.
        const data = await this.#ask(line, askCardData)
        this.#take(data, await this.#ask(line, askCardLength))
        this.#refusals = 0
      } catch (cause) {
        this.#refused(cause)
      }
      await clock.sleep(this.#pollMs, this.#closing.signal)
    }
    await line[Symbol.asyncDispose]()
  }

  async #ask(line: HidLine, request: Uint8Array): Promise<Uint8Array> {
    const { trace } = this.#surroundings
    trace(request, 'out')
    const answer = await line.ask(request)
    trace(answer, 'in')
    return answer
  }

  #take(data: Uint8Array, length: Uint8Array): void {
    const receivedAtMonoMs = this.#surroundings.clock.monoMs()
    const answer = readCard(data, length)
    if ('code' in answer) {
      this.#queue.push({ type: 'rejected', code: answer.code, bytes: data.length + length.length })
    } else if (answer.card !== null) {
      this.#queue.push({ type: 'frame', ...answer.card, receivedAtMonoMs })
    } else this.#queue.push({ type: 'missed', receivedAtMonoMs })
  }

  /** One that is not there any more has failed the line by now. */
  #refused(cause: unknown): void {
    this.#refusals += 1
    if (this.#closing.signal.aborted || this.#refusals < refusalsToFail) return
    this.failed(new AppError('reader-deaf', 'it refuses to be asked for cards', { cause }))
  }
}
