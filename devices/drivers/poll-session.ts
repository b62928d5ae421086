/**
 * One session of a reader that says nothing unless it is asked. Everything of it lives and dies with the session.
 *
 *   starting --such a reader, set up--> polling --no answer, or none that fits--> starting --> polling
 *   starting --no byte came--> over, reader-deaf     --other bytes came--> over, reader-protocol
 *   polling --maxBadTurns in a row came to nothing--> over, as above
 *
 * One request is in flight at a time, and its answer is waited for so long and no longer.
 */
import { AppError } from '../../shared/errors.ts'
import type { CardFrame } from '../card-frame.ts'
import type { Codec, Decoded } from '../codecs/codec.ts'
import { EventQueue } from '../event-queue.ts'
import { QuietClock } from '../quiet-clock.ts'
import type { Feedback, Reader, ReaderCapabilities, ReaderContext, ReaderEvent } from '../reader.ts'
import type { Rejection } from '../rejection.ts'
import type { Receiver, TwoWayTransport } from '../transports/transport.ts'

/** What one question found: a card, none, or an answer that is no answer to it. */
export type Look = { card: CardFrame | null } | { rejected: Rejection }

/** One request at a time to an open reader. */
export interface Wire<Frame> {
  /**
   * Sends `request` and answers what `read` makes of the first frame that it takes: those it answers undefined
   * for are passed over, because they answer something else. Undefined when none came within `answerMs`. Rejects
   * when the line is lost.
   */
  ask<Answer extends object | string>(
    request: Uint8Array,
    answerMs: number,
    read: (frame: Frame) => Answer | undefined,
  ): Promise<Answer | undefined>
}

/** How one kind of reader is asked; made anew for every session. */
export interface PollProtocol<Frame> {
  /** For messages: `PN532`. */
  readonly device: string
  readonly codec: Codec<Frame>
  /** Finds out whether it is such a reader, and sets it up, whatever state it is in. False: not this time. */
  start(wire: Wire<Frame>): Promise<boolean>
  /** One look for every kind of card it reads. Undefined: it does not answer. */
  look(wire: Wire<Frame>): Promise<Look[] | undefined>
  /** After every look: what is not needed until the next one. */
  rest?(wire: Wire<Frame>): Promise<void>
  /** The reader's own lights and sounds. */
  show?(wire: Wire<Frame>, what: Feedback): Promise<void>
}

export interface PollOptions {
  /** From one look to the next, in milliseconds. */
  pollMs: number
}

type Surroundings = Pick<ReaderContext, 'clock' | 'trace' | 'signal'>

/** A person taps at most a few cards a second; this many events unread means that nobody reads. */
const maxWaiting = 256
const startAttempts = 3
const maxBadTurns = 5
/** Some readers answer as ever and find no card any more: without one they are set up anew so often, in milliseconds. */
const setUpAgainMs = 30_000
/** Rest between two looks that take longer than pollMs, in milliseconds. */
const minRestMs = 10
/** Feedback that could not be shown after this long is no longer news, in milliseconds. */
const newsMs = 300

export class PollSession<Frame> implements Reader, Receiver, Wire<Frame> {
  readonly capabilities: ReaderCapabilities = { removal: 'polled' }
  readonly feedback?: (what: Feedback) => void
  readonly #surroundings: Surroundings
  readonly #protocol: PollProtocol<Frame>
  readonly #options: PollOptions
  readonly #quiet: QuietClock
  readonly #queue = new EventQueue<ReaderEvent>(maxWaiting)
  #transport: TwoWayTransport | undefined
  #running: Promise<void> = Promise.resolve()
  #isOver = false
  /** Why it is over, unless it was disposed. */
  #fault: AppError | undefined
  /** The request in flight. */
  #asked: { take: (frame: Frame) => void; over: AbortController } | undefined
  #resting: AbortController | undefined
  #news: { what: Feedback; sinceMs: number } | undefined
  #bytesIn = 0
  /** Looks in a row that were not answered, or that the reader refused. */
  #badTurns = 0
  /** When a card was seen last, or the reader was set up. */
  #soundMs = 0

  private constructor(surroundings: Surroundings, protocol: PollProtocol<Frame>, options: PollOptions) {
    this.#surroundings = surroundings
    this.#protocol = protocol
    this.#options = options
    this.#quiet = new QuietClock(surroundings.clock)
    if (protocol.show !== undefined) {
      this.feedback = (what) => {
        this.#tell(what)
      }
    }
  }

  /**
   * Opens the line, finds out what is there and sets it up. `protocol` is fresh. Throws what `open` throws,
   * `reader-deaf` when nothing answers, `reader-protocol` when something else does.
   */
  static async open<Frame>(
    surroundings: Surroundings,
    protocol: PollProtocol<Frame>,
    options: PollOptions,
    open: (receiver: Receiver) => TwoWayTransport | Promise<TwoWayTransport>,
  ): Promise<PollSession<Frame>> {
    const session = new PollSession(surroundings, protocol, options)
    session.#transport = await open(session)
    const { signal } = surroundings
    const giveUp = (): void => {
      session.#end(new AppError('reader-failed', 'opening it was given up'))
    }
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      if (signal.aborted) giveUp()
      await session.#start()
      if (session.#fault !== undefined) throw session.#fault
    } catch (error) {
      await session[Symbol.asyncDispose]()
      throw error
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
    session.#running = session.#run()
    return session
  }

  events(): AsyncIterable<ReaderEvent> {
    return this.#queue.read()
  }

  bytes(chunk: Uint8Array): void {
    this.#surroundings.trace(chunk, 'in')
    this.#bytesIn += chunk.length
    this.#take(this.#protocol.codec.push(chunk, this.#quiet.nowMs()))
  }

  failed(error: AppError): void {
    this.#end(error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end()
    await this.#transport?.[Symbol.asyncDispose]()
    await this.#running
  }

  async ask<Answer extends object | string>(
    request: Uint8Array,
    answerMs: number,
    read: (frame: Frame) => Answer | undefined,
  ): Promise<Answer | undefined> {
    if (this.#isOver) return undefined
    // What came unasked belongs to no answer.
    this.#take(this.#protocol.codec.reset())
    let answer: Answer | undefined
    const over = new AbortController()
    const take = (frame: Frame): void => {
      answer ??= read(frame)
      if (answer !== undefined) over.abort()
    }
    this.#asked = { take, over }
    try {
      this.#surroundings.trace(request, 'out')
      await this.#transport?.write(request)
      const deadlineMs = this.#quiet.nowMs() + answerMs
      while (!over.signal.aborted && this.#quiet.nowMs() < deadlineMs) {
        await this.#quiet.step(over.signal)
        this.#take(this.#protocol.codec.idle(this.#quiet.nowMs()))
      }
      return answer
    } finally {
      this.#asked = undefined
    }
  }

  async #start(): Promise<void> {
    const bytesBefore = this.#bytesIn
    for (let attempt = 0; attempt < startAttempts && !this.#isOver; attempt += 1) {
      if (await this.#protocol.start(this)) {
        this.#soundMs = this.#surroundings.clock.monoMs()
        return
      }
    }
    if (!this.#isOver) throw this.#complaint(this.#bytesIn === bytesBefore)
  }

  #complaint(isSilent: boolean): AppError {
    const { device } = this.#protocol
    return isSilent
      ? new AppError('reader-deaf', `the ${device} does not answer`)
      : new AppError('reader-protocol', `what answers is no ${device}`)
  }

  async #run(): Promise<void> {
    const { clock } = this.#surroundings
    try {
      while (!this.#isOver && !this.#queue.isClosed) {
        const nextMs = clock.monoMs() + this.#options.pollMs
        await this.#turn()
        await this.#protocol.rest?.(this)
        await this.#restUntil(nextMs)
      }
    } catch (error) {
      const isBug = !(error instanceof AppError)
      this.#end(isBug ? new AppError('reader-failed', 'the driver failed', { cause: error }) : error)
      // At once: what is deaf may heal only when nobody has it open.
      await this.#transport?.[Symbol.asyncDispose]()
    }
  }

  async #turn(): Promise<void> {
    const { clock } = this.#surroundings
    if (clock.monoMs() - this.#soundMs >= setUpAgainMs) await this.#start()

    const looks = await this.#protocol.look(this)
    if (this.#isOver) return
    const rejections = (looks ?? []).flatMap((look) => ('rejected' in look ? [look.rejected] : []))
    const cards = (looks ?? []).flatMap((look) => ('card' in look && look.card !== null ? [look.card] : []))
    const receivedAtMonoMs = clock.monoMs()
    for (const rejection of rejections) this.#queue.push({ type: 'rejected', ...rejection })
    for (const card of cards) this.#queue.push({ type: 'frame', ...card, receivedAtMonoMs })
    const isSeveral = rejections.some(({ code }) => code === 'cards-several')
    if (cards.length > 0 || isSeveral) this.#soundMs = receivedAtMonoMs

    // An answer that makes no sense may be due to a strange card, a refusal is the reader's own.
    const isRefused =
      rejections.length > 0 && rejections.length === looks?.length && rejections.every(isRefusal)
    this.#badTurns = looks === undefined || isRefused ? this.#badTurns + 1 : 0
    if (this.#badTurns === maxBadTurns) throw this.#complaint(looks === undefined)
    if (looks === undefined || (rejections.length > 0 && !isSeveral)) await this.#start()
    else if (cards.length === 0 && !isSeveral) this.#queue.push({ type: 'missed', receivedAtMonoMs })
  }

  /** Takes one message, for the moment between two requests; a second one, or one for a closed reader, is dropped. */
  #tell(what: Feedback): void {
    if (this.#isOver || this.#news !== undefined) return
    this.#news = { what, sinceMs: this.#surroundings.clock.monoMs() }
    this.#resting?.abort()
  }

  async #restUntil(nextMs: number): Promise<void> {
    const { clock } = this.#surroundings
    do {
      await this.#showNews()
      if (this.#isOver) return
      this.#resting = new AbortController()
      await clock.sleep(Math.max(minRestMs, nextMs - clock.monoMs()), this.#resting.signal)
    } while (this.#news !== undefined && clock.monoMs() < nextMs)
  }

  async #showNews(): Promise<void> {
    if (this.#news === undefined) return
    const { what, sinceMs } = this.#news
    const isNews = this.#surroundings.clock.monoMs() - sinceMs <= newsMs
    if (isNews) await this.#protocol.show?.(this, what)
    this.#news = undefined
  }

  #take(decoded: Decoded<Frame>[]): void {
    for (const outcome of decoded) {
      if ('frame' in outcome) this.#asked?.take(outcome.frame)
      else this.#queue.push({ type: 'rejected', ...outcome.rejected })
    }
  }

  #end(fault?: AppError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#fault = fault
    if (fault === undefined) {
      this.#queue.end()
    } else {
      this.#take(this.#protocol.codec.reset())
      this.#queue.fail(fault)
    }
    this.#asked?.over.abort()
    this.#resting?.abort()
  }
}

function isRefusal({ code }: Rejection): boolean {
  return code === 'answer-failed'
}
