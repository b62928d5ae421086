import { AppError } from '../../shared/errors.ts'
import { beepAtCards, signal as lightsAndSound } from '../codecs/acr122.ts'
import type { ReaderState } from '../codecs/pcscd.ts'
import type { CardFrame } from '../card-frame.ts'
import { EventQueue } from '../event-queue.ts'
import type {
  Feedback,
  Reader,
  ReaderCapabilities,
  ReaderContext,
  ReaderEvent,
  ReaderOptions,
} from '../reader.ts'
import { establishContext, listReaders, openPcscd, untilChange, watchReaders } from '../transports/pcscd.ts'
import type { PcscdSocket } from '../transports/pcscd-socket.ts'
import { CardQuestions, isSame, type CardDaemon } from './pcsc-questions.ts'
import { findReader } from './pcsc-readers.ts'

export interface PcscOptions extends ReaderOptions {
  /** pcscd's Unix socket. */
  socket: string
}

/** A person taps at most a few cards a second; this many events unread means that nobody reads. */
const maxWaiting = 256
/** The daemon is asked when it has said nothing for this long, in milliseconds. */
const lookAgainMs = 10_000
/** Least time between two looks, in milliseconds, whatever the daemon says. */
const leastLookMs = 10
/** A card that does not answer is asked again this much later, in milliseconds. */
const retryMs = 100
/** A card that does not answer counts as rejected after this time, in milliseconds. pcscd takes up to half of it to see one go. */
const patienceMs = 1_000
/** From then on it is asked again this much later, in milliseconds: somebody may move it closer. */
const patientRetryMs = 500
/** A card that another program holds for this long is a fault; it is asked for as long as it lies there. */
const busyMs = 2_000
/** A reader that was pulled out leaves the list sooner than this; one that hangs stays in it, in milliseconds. */
const lostMs = 2_000
/** The connection that watches says within this time why the other one broke, in milliseconds. */
const reasonMs = 500
/** A light or sound this late is dropped, in milliseconds. */
const staleMs = 1_000

/** Readers that this process has open: pcscd lets any number of programs share one, and two sessions make two taps. */
const claimed = new Set<string>()

/** Throws an AppError with a `reader-…` code. */
export async function openPcscSession(options: PcscOptions, context: ReaderContext): Promise<Reader> {
  const { signal } = context
  await using opening = new AsyncDisposableStack()
  const sockets: PcscdSocket[] = []
  const giveUp = (): void => {
    for (const socket of sockets) void socket[Symbol.asyncDispose]()
  }
  const connection = async (): Promise<PcscdSocket> => {
    const socket = opening.use(await openPcscd(options.socket, context, signal))
    sockets.push(socket)
    return socket
  }
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    const watch = await connection()
    const cards = await connection()
    const scope = await establishContext(cards)
    const reader = findReader(await listReaders(cards), options.path)
    if (reader.isLost) throw deaf()
    opening.defer(claim(`${options.socket}\0${reader.name}`))
    return new PcscSession(options, context, { watch, cards, scope, reader }, opening.move())
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

function deaf(): AppError {
  return new AppError('reader-deaf', 'pcscd gets no answer from the reader')
}

/** Answers how to let go of it. */
function claim(reader: string): () => void {
  if (claimed.has(reader)) throw new AppError('reader-busy', 'this program has the reader open already')
  claimed.add(reader)
  return () => {
    claimed.delete(reader)
  }
}

interface Daemon extends CardDaemon {
  watch: PcscdSocket
}

/**
 * Two connections, because what the daemon says of changes comes at any time, between the parts of other answers:
 * `watch` only waits for changes; on `cards` one question follows the other, in turns.
 *
 *   nothing there --a card--> asking --its UID--> lying --absent, or another event counter--> nothing there
 *                             asking --no answer for patienceMs--> rejected, asking
 *                             asking --absent, or another counter--> nothing there
 */
class PcscSession implements Reader {
  readonly capabilities: ReaderCapabilities = { removal: 'native' }
  readonly feedback?: (what: Feedback) => void
  readonly #context: ReaderContext
  readonly #daemon: Daemon
  readonly #resources: AsyncDisposableStack
  readonly #repeatMs: number
  readonly #queue = new EventQueue<ReaderEvent>(maxWaiting)
  readonly #closing = new AbortController()
  readonly #running: Promise<unknown>
  readonly #name: string
  readonly #questions: CardQuestions
  #seen: ReaderState
  #change = new AbortController()
  #isBusyTold = false
  #beepsByItself: boolean
  #lastOrder: object | undefined

  constructor(options: PcscOptions, context: ReaderContext, daemon: Daemon, resources: AsyncDisposableStack) {
    this.#context = context
    this.#daemon = daemon
    this.#name = daemon.reader.name
    this.#questions = new CardQuestions(daemon)
    this.#seen = daemon.reader
    this.#resources = resources
    this.#repeatMs = options.presenceGapMs / 2
    this.#beepsByItself = /\bACR122/.test(this.#name)
    if (this.#beepsByItself) {
      this.feedback = (what) => {
        this.#show(what)
      }
    }
    this.#running = Promise.all([this.#watch(), this.#follow()])
  }

  events(): AsyncIterable<ReaderEvent> {
    return this.#queue.read()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue.end()
    this.#close()
    await this.#resources.disposeAsync()
    await this.#running
    await this.#questions.over()
  }

  async #watch(): Promise<void> {
    const { watch } = this.#daemon
    const { clock } = this.#context
    let heardMs = clock.monoMs()
    try {
      while (!this.#closing.signal.aborted) {
        const seen = (await watchReaders(watch)).find((reader) => reader.name === this.#name)
        if (seen === undefined) throw new AppError('reader-unplugged', 'pcscd has lost the reader')
        if (!seen.isLost) heardMs = clock.monoMs()
        else if (clock.monoMs() - heardMs >= lostMs) throw deaf()
        if (!isSame(this.#seen, seen)) {
          this.#seen = seen
          this.#change.abort()
          this.#change = new AbortController()
        }
        await untilChange(watch, seen.isLost ? lostMs : lookAgainMs)
        await clock.sleep(leastLookMs, this.#closing.signal)
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  async #follow(): Promise<void> {
    const { clock } = this.#context
    let known: ReaderState | undefined
    let lying: CardFrame | undefined
    try {
      while (!this.#closing.signal.aborted) {
        const seen = this.#seen
        if (known !== undefined && isSame(seen, known)) {
          await clock.sleep(this.#repeatMs || lookAgainMs, this.#change.signal)
          // Nobody says whether a card left while the daemon was down: one that was seen lately lies there still.
          if (lying !== undefined && this.#repeatMs > 0 && this.#seen === seen) this.#say(lying)
        } else {
          if (known === undefined ? !seen.isCardPresent : known.isCardPresent) this.#sayRemoved()
          known = seen
          lying = seen.isCardPresent ? await this.#read(seen) : undefined
        }
      }
    } catch (error) {
      await this.#failSoon(error)
    }
  }

  /** Reads and reports the card; undefined when it was none, or has left. */
  async #read(card: ReaderState): Promise<CardFrame | undefined> {
    const { clock } = this.#context
    const sinceMs = clock.monoMs()
    let isRejected = false
    while (this.#isThere(card)) {
      const answer = await this.#questions.askUid(card)
      const waitedMs = clock.monoMs() - sinceMs
      this.#tellBusy(answer === 'busy' && waitedMs >= busyMs)
      if (answer !== 'busy') {
        if ('card' in answer) {
          this.#say(answer.card)
          this.#silence(card)
          return answer.card
        }
        if (!isRejected && (answer.isFinal || waitedMs >= patienceMs) && this.#isThere(card)) {
          this.#queue.push({ type: 'rejected', ...answer.rejected })
          isRejected = true
        }
        if (answer.isFinal) return undefined
      }
      await clock.sleep(isRejected ? patientRetryMs : retryMs, this.#change.signal)
    }
    return undefined
  }

  /** The ACR122U beeps at every card, accepted or not. */
  #silence(card: ReaderState): void {
    if (!this.#beepsByItself) return
    this.#beepsByItself = false
    this.#command(card, () => beepAtCards(false))
  }

  /** Of several that wait, only the last is shown. */
  #show(what: Feedback): void {
    const card = this.#seen
    const { clock } = this.#context
    const order = { what, untilMs: clock.monoMs() + staleMs }
    this.#lastOrder = order
    this.#command(card, () =>
      this.#lastOrder === order && clock.monoMs() < order.untilMs ? signals[what] : undefined,
    )
  }

  /** Sends a command of the reader itself, which it takes only while a card lies there. */
  #command(card: ReaderState, command: () => Uint8Array | undefined): void {
    const bytes = (): Uint8Array | undefined => (this.#isThere(card) ? command() : undefined)
    this.#questions.tell(bytes).catch((error: unknown) => this.#failSoon(error))
  }

  #isThere(card: ReaderState): boolean {
    return !this.#closing.signal.aborted && card.isCardPresent && isSame(this.#seen, card)
  }

  #say(frame: CardFrame): void {
    this.#queue.push({ type: 'frame', ...frame, receivedAtMonoMs: this.#context.clock.monoMs() })
  }

  #sayRemoved(): void {
    this.#tellBusy(false)
    this.#queue.push({ type: 'removed', receivedAtMonoMs: this.#context.clock.monoMs() })
  }

  #tellBusy(isBusy: boolean): void {
    if (isBusy === this.#isBusyTold) return
    this.#isBusyTold = isBusy
    const fault = isBusy ? new AppError('reader-busy', 'another program keeps the card to itself') : null
    this.#queue.push({ type: 'fault', fault })
  }

  /** The connection that watches may know better: a daemon that died is no daemon that refuses. */
  async #failSoon(error: unknown): Promise<void> {
    await this.#context.clock.sleep(reasonMs, this.#closing.signal)
    this.#fail(error)
  }

  #fail(error: unknown): void {
    this.#queue.fail(
      error instanceof AppError
        ? error
        : new AppError('reader-failed', 'the session broke', { cause: error }),
    )
    this.#close()
    void this.#resources.disposeAsync()
  }

  #close(): void {
    this.#closing.abort()
    this.#change.abort()
  }
}

/** Bits of the light: codecs/acr122.ts. Both are over within a second, during which no card is seen. */
const signals: Record<Feedback, Uint8Array> = {
  accepted: lightsAndSound({ leds: 0xa0, on: 2, off: 1, times: 1, buzzer: 'on' }),
  refused: lightsAndSound({ leds: 0x50, on: 1, off: 1, times: 3, buzzer: 'on' }),
}
