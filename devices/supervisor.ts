/**
 * Keeps one configured reader working for as long as the agent runs.
 *
 *   opening --open ok--> ready --unplug, failure--> absent
 *   opening --open failed--> absent --back-off, open ok--> ready
 *   any --abort--> stopped
 *
 * A retry does not show as `opening`: an absent reader stays absent, since when it left, until it is ready. It is
 * tried when the back-off says so, and as soon as something happens to its device file.
 */
import { jitteredMs } from '../shared/back-off.ts'
import type { CardUid } from '../shared/card-uid.ts'
import type { Clock } from '../shared/clock.ts'
import { AppError, type ErrorCode } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { CardFrame } from './card-frame.ts'
import type { SimulatedDevices } from './drivers/simulated-devices.ts'
import { toHex } from './codecs/bytes.ts'
import { sleepUntilPlugged } from './device-watch.ts'
import { Listeners } from './listeners.ts'
import { normalise, type NormalisedRead } from './normalise.ts'
import { HolderLook, holderHint, type PortHolder } from './port-holder.ts'
import { Presence } from './presence.ts'
import type { ReaderFault, ReaderState, ReaderStatus, SupervisorEvent, Watching } from './reader-status.ts'
import type { Feedback, Reader, ReaderEvent, Tap } from './reader.ts'
import type { Rejection } from './rejection.ts'
import { Silence } from './silence.ts'
import type { ReaderSpec } from './spec.ts'

export interface SupervisorOptions {
  spec: ReaderSpec
  clock: Clock
  log: Log
  simulatedDevices: SimulatedDevices
  /** Called for every tap, in order, without waiting for the one before. What it throws is logged, and ends nothing. */
  onTap: (tap: Tap) => void | Promise<void>
  onRejected?: (rejection: Rejection) => void
  onState?: (status: ReaderStatus) => void
  random?: () => number
}

export interface SupervisedReader {
  /** A snapshot. */
  readonly status: ReaderStatus
  /** Opens, reads and reopens; returns when aborted, after the reader is closed. Never throws. Called once. */
  run(signal: AbortSignal): Promise<void>
  /** Everything that happens from now on, and what `watching` asks for. Answers how to stop listening. */
  onEvent(listener: (event: SupervisorEvent) => void, watching?: Watching): () => void
  /**
   * Shows at the reader what became of a tap of it, where the reader can. Dropped when it comes too late, or the
   * reader was opened anew since: a light that nobody can relate to a card any more says something wrong.
   */
  feedback(what: Feedback, tap: Pick<Tap, 'tappedAtMonoMs'>): void
}

const backOff = { baseMs: 250, capMs: 2_000 }
const jitter = 0.2
/** A reader that held this long was well: the next failure is a first one, in milliseconds. */
const steadyMs = 10_000
/** Feedback that comes later than this after its tap is dropped, in milliseconds. */
const feedbackWithinMs = 2_000
/** All phones are one card to presence: to a reader that polls, one that lies there is a new number every time. */
const anyPhone = 'random' as CardUid

export function superviseReader(options: SupervisorOptions): SupervisedReader {
  return new Supervisor(options)
}

class Supervisor implements SupervisedReader {
  readonly #options: SupervisorOptions
  readonly #log: Log
  readonly #presence: Presence
  readonly #silence: Silence
  readonly #holder: HolderLook
  readonly #listeners = new Listeners()
  readonly #status: ReaderStatus
  /** Sessions in a row that failed or did not hold. */
  #failures = 0
  /** The fault that the log holds: a flapping reader must not fill the disk with it. */
  #loggedFault: ErrorCode | undefined
  #isReadyLogged = false
  /** The reader says that several cards lie there, and goes on saying so. */
  #isSeveral = false
  /** The open reader, and since when frames can be its. */
  #session: { reader: Reader; sinceMonoMs: number } | undefined

  constructor(options: SupervisorOptions) {
    const { spec, clock, log } = options
    this.#options = options
    this.#log = log.child({ reader: spec.id })
    this.#presence = new Presence(spec.options)
    this.#silence = new Silence(this.#presence, clock, spec.options.presenceGapMs)
    this.#holder = new HolderLook(spec.options.path, clock)
    this.#status = {
      id: spec.id,
      driver: spec.driver.name,
      state: 'absent',
      since: clock.now(),
      lastTapAt: null,
      lastTapWorth: null,
      taps: 0,
      identities: {},
      rejected: {},
      fault: null,
      opens: 0,
    }
  }

  get status(): ReaderStatus {
    return structuredClone(this.#status)
  }

  onEvent(listener: (event: SupervisorEvent) => void, watching: Watching = {}): () => void {
    return this.#listeners.add(listener, watching)
  }

  feedback(what: Feedback, { tappedAtMonoMs }: Pick<Tap, 'tappedAtMonoMs'>): void {
    if (this.#session === undefined) return
    const { reader, sinceMonoMs } = this.#session
    const isStale = this.#options.clock.monoMs() - tappedAtMonoMs > feedbackWithinMs
    if (isStale || tappedAtMonoMs < sinceMonoMs) return
    this.#call('the feedback of the driver', () => reader.feedback?.(what))
  }

  async run(signal: AbortSignal): Promise<void> {
    const { spec, clock, random = Math.random } = this.#options
    this.#enter('opening')
    while (!signal.aborted) {
      await this.#attempt(signal)
      this.#failures += 1
      const restMs = jitteredMs(backOff, this.#failures, jitter, random)
      // The first rest is short and never cut: a device that keeps coming and going must not keep us busy.
      if (this.#failures === 1) await clock.sleep(restMs, signal)
      // udev sets owner and mode a moment after the device appears: the next tries come quickly again.
      else if (await sleepUntilPlugged(clock, spec.options.path, restMs, signal)) this.#failures = 0
    }
    this.#enter('stopped')
  }

  /** One open and what comes of it; returns when the reader is closed again. */
  async #attempt(signal: AbortSignal): Promise<void> {
    const sinceMonoMs = this.#options.clock.monoMs()
    const reader = await this.#open(signal)
    if (reader === undefined) return
    this.#session = { reader, sinceMonoMs }
    const close = (): void => {
      void this.#close(reader)
    }
    signal.addEventListener('abort', close, { once: true })
    try {
      if (!signal.aborted) await this.#read(reader, signal)
    } finally {
      signal.removeEventListener('abort', close)
      this.#session = undefined
      await this.#close(reader)
    }
  }

  async #open(signal: AbortSignal): Promise<Reader | undefined> {
    const { spec, clock, simulatedDevices } = this.#options
    try {
      const trace = (bytes: Uint8Array, direction: 'in' | 'out'): void => {
        if (!this.#listeners.want('bytes')) return
        this.#emit({ type: 'bytes', readerId: spec.id, direction, hex: toHex(bytes) })
      }
      return await spec.driver.open(spec.options, { clock, log: this.#log, signal, trace, simulatedDevices })
    } catch (error) {
      const holder = await this.#holder.of(error)
      if (!signal.aborted) this.#fail(error, holder)
      return undefined
    }
  }

  async #read(reader: Reader, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const over = new AbortController()
    const openedMs = clock.monoMs()
    const isSteady = (): boolean => clock.monoMs() - openedMs >= steadyMs
    this.#status.opens += 1
    this.#holder.forget()
    if (!this.#isReadyLogged) this.#log.info('the reader is ready')
    this.#isReadyLogged = true
    this.#enter('ready')
    try {
      for await (const event of reader.events()) {
        this.#take(event)
        if (reader.capabilities.removal !== 'polled') void this.#silence.listen(over.signal)
      }
      if (!signal.aborted) throw new AppError('reader-failed', 'the reader stopped without saying why')
    } catch (error) {
      if (isSteady()) {
        this.#failures = 0
        this.#loggedFault = undefined
      }
      if (!signal.aborted) this.#fail(error)
    } finally {
      over.abort()
      this.#presence.interrupted()
    }
  }

  async #close(reader: Reader): Promise<void> {
    try {
      await reader[Symbol.asyncDispose]()
    } catch (err) {
      this.#log.error({ err }, 'the reader could not be closed')
    }
  }

  #take(event: ReaderEvent): void {
    const isSeveral = event.type === 'rejected' && event.code === 'cards-several'
    if (isSeveral && this.#isSeveral) return
    if (event.type !== 'fault') this.#isSeveral = isSeveral
    switch (event.type) {
      case 'frame': {
        const { id, options } = this.#options.spec
        const read = normalise(event, options.profile)
        if (this.#listeners.want('frames')) this.#emit({ ...event, readerId: id, read })
        if ('code' in read) this.#reject({ code: read.code, bytes: sizeOf(event) })
        else if (
          this.#presence.seen(read.identity === 'random' ? anyPhone : read.uid, event.receivedAtMonoMs)
        )
          this.#tap(read, event.receivedAtMonoMs)
        return
      }
      case 'removed':
        this.#presence.removed(event.receivedAtMonoMs)
        return
      case 'missed':
        this.#presence.missed(event.receivedAtMonoMs)
        return
      case 'fault': {
        const { fault } = event
        if (fault === null) this.#log.info('the reader’s fault is over')
        else this.#log.warn({ code: fault.code, hint: fault.hint }, 'the reader reads, and has a fault')
        this.#enter('ready', fault && { code: fault.code, hint: fault.hint })
        return
      }
      case 'rejected':
        this.#reject({ code: event.code, bytes: event.bytes })
    }
  }

  #tap({ uid, identity, proof }: NormalisedRead, tappedAtMonoMs: number): void {
    const { clock, spec, onTap } = this.#options
    const tappedAt = clock.now()
    this.#status.taps += 1
    this.#status.lastTapAt = tappedAt
    this.#status.lastTapWorth = { identity, proof }
    this.#status.identities[identity] = (this.#status.identities[identity] ?? 0) + 1
    const tap = { readerId: spec.id, uid, identity, proof, tappedAt, tappedAtMonoMs }
    if (!this.#listeners.want('takesTaps')) this.#call('the tap handler', () => onTap(tap))
    this.#emit({ type: 'tap', readerId: spec.id, uid, identity, proof, tappedAt })
  }

  /** The bytes themselves are nowhere: they may be most of a UID, and a UID is personal data. */
  #reject({ code, bytes }: Rejection): void {
    const { spec, onRejected } = this.#options
    this.#status.rejected[code] = (this.#status.rejected[code] ?? 0) + 1
    this.#log.warn({ code, bytes }, 'what the reader sent is no card')
    this.#call('the rejection handler', () => onRejected?.({ code, bytes }))
    this.#emit({ type: 'rejected', readerId: spec.id, code, bytes })
  }

  #fail(thrown: unknown, holder?: PortHolder): void {
    const isBug = !(thrown instanceof AppError)
    const error = isBug ? new AppError('reader-failed', 'the driver failed', { cause: thrown }) : thrown
    const { code } = error
    const hint = holder === undefined ? error.hint : holderHint(holder)
    if (code !== this.#loggedFault) {
      if (isBug) this.#log.error({ err: thrown, code, hint }, 'the driver of the reader failed')
      else this.#log.warn({ err: error, code, hint }, 'the reader is not ready')
      this.#loggedFault = code
      this.#isReadyLogged = false
    }
    this.#enter('absent', { code, hint, ...(holder === undefined ? {} : { holder }) })
  }

  #enter(state: ReaderState, fault: ReaderFault | null = null): void {
    const status = this.#status
    const isSame = status.fault?.code === fault?.code && status.fault?.hint === fault?.hint
    if (status.state === state && isSame) return
    if (status.state !== state) status.since = this.#options.clock.now()
    status.state = state
    status.fault = fault
    this.#call('the state handler', () => this.#options.onState?.(this.status))
    this.#emit({ type: 'state', readerId: status.id, state, fault })
  }

  #emit(event: SupervisorEvent): void {
    for (const listener of this.#listeners.of(event)) {
      this.#call('an event listener', () => {
        listener(event)
      })
    }
  }

  /** Runs code that is not ours: a bug there must not deafen the reader. */
  #call(what: string, callback: () => void | Promise<void>): void {
    const report = (err: unknown): void => {
      this.#log.error({ err }, `${what} failed`)
    }
    try {
      Promise.resolve(callback()).catch(report)
    } catch (err) {
      report(err)
    }
  }
}

/** Text is ASCII: a character is a byte. */
function sizeOf({ payload, form }: CardFrame): number {
  return form === 'text' ? payload.length : payload.length / 2
}
