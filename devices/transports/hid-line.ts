import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import type { Clock } from '../../shared/clock.ts'
import { AppError, nativeCode, type ErrorCode } from '../../shared/errors.ts'
import { QuietClock } from '../quiet-clock.ts'
import { lockDevice } from './device-lock.ts'
import { findHid, type HidAddress, type HidNeed } from './hid-address.ts'
import { isPluggedIn, listHid, type HidInterface, type HidPlaces } from './hid-sysfs.ts'
import type { Hidraw, HidrawReceiver, OpenHidraw } from './hidraw.ts'
import type { Receiver, Transport } from './transport.ts'

/** Where HID devices are found and how one is opened: of this machine, or played. */
export interface HidBus {
  places: HidPlaces
  open: OpenHidraw
}

export interface HidLineOptions {
  address: HidAddress
  need: HidNeed
  /** After the open, reports count as the rest of an old card until none has come for this long, in milliseconds. */
  settleMs: number
}

/** An open line to one HID device, locked against everybody who locks. */
export interface HidLine extends Transport {
  readonly device: HidInterface
  /**
   * Sends a feature report, ID first, and gets the answer. Rejects when the device refuses; when it is gone the
   * receiver has been told by then.
   */
  ask(request: Uint8Array): Promise<Uint8Array>
}

/** A device that sends for this long without a pause is not finishing an old card, in milliseconds. */
const maxSettleMs = 1_000
/** How often the node is checked for a device that left without a word, in milliseconds. */
const probeMs = 400
/** What a device needs between a request and its answer (micolous/pcprox protocol.md), in milliseconds. */
const answerMs = 1

/**
 * Finds, locks and opens one HID device, throws away what was under way, then delivers each report as it comes.
 *
 * Throws `reader-not-found`, `reader-permission`, `reader-busy`, `reader-protocol` or `reader-failed`; the receiver
 * is told `reader-unplugged` however the device is lost later.
 */
export async function openHid(
  { places, open }: HidBus,
  { address, need, settleMs }: HidLineOptions,
  receiver: Receiver,
  clock: Clock,
  signal: AbortSignal,
): Promise<HidLine> {
  const device = findHid(await listHid(places), address, need)
  const lock = await lockDevice(device.folder)
  const line = new OpenLine(device, need, places, receiver, clock, lock)
  try {
    await line.start(open)
    await line.settle(settleMs, signal)
  } catch (error) {
    await line[Symbol.asyncDispose]()
    throw error
  }
  return line
}

class OpenLine implements HidLine, HidrawReceiver {
  readonly device: HidInterface
  readonly #isKeyboard: boolean
  readonly #places: HidPlaces
  readonly #receiver: Receiver
  readonly #clock: Clock
  readonly #quiet: QuietClock
  readonly #lock: AsyncDisposable
  readonly #closing = new AbortController()
  #hidraw: Hidraw | undefined
  #released: Promise<void> | undefined
  #isReady = false
  #lost: AppError | undefined
  /** The last report that said something new, for settling. */
  #latest = ''
  #heardAtMs = 0

  constructor(
    device: HidInterface,
    need: HidNeed,
    places: HidPlaces,
    receiver: Receiver,
    clock: Clock,
    lock: AsyncDisposable,
  ) {
    this.device = device
    this.#isKeyboard = need === 'keyboard'
    this.#places = places
    this.#receiver = receiver
    this.#clock = clock
    this.#quiet = new QuietClock(clock)
    this.#lock = lock
  }

  async start(open: OpenHidraw): Promise<void> {
    const { node } = this.device
    await checkAccess(node)
    this.#hidraw = await open(node, this)
    // Between the look and the open the number may have become that of a person's keyboard.
    if (!(await isPluggedIn(this.#places, this.device))) {
      throw new AppError('reader-not-found', `${node} left while it was opened`)
    }
    void this.#watch()
  }

  async settle(settleMs: number, signal: AbortSignal): Promise<void> {
    const deadlineMs = this.#clock.monoMs() + maxSettleMs
    while (this.#lost === undefined && this.#quiet.nowMs() - this.#heardAtMs < settleMs) {
      if (signal.aborted) throw new AppError('reader-failed', `opening ${this.device.node} was given up`)
      if (this.#clock.monoMs() > deadlineMs) {
        throw new AppError('reader-failed', `${this.device.node} never stops sending`)
      }
      await this.#quiet.step(signal)
    }
    if (this.#lost !== undefined) throw this.#lost
    this.#isReady = true
  }

  report(bytes: Uint8Array): void {
    if (this.#closing.signal.aborted || (this.#isKeyboard && !this.#isOfKeyboard(bytes))) return
    if (this.#isReady) this.#receiver.bytes(bytes)
    else this.#hear(bytes)
  }

  failed(cause: unknown): void {
    this.#lose(cause)
  }

  async ask(request: Uint8Array): Promise<Uint8Array> {
    try {
      if (this.#hidraw === undefined || this.#closing.signal.aborted) throw new Error('it is closed')
      await this.#hidraw.sendFeatureReport(request)
      await this.#clock.sleep(answerMs, this.#closing.signal)
      return await this.#hidraw.getFeatureReport(request[0] ?? 0, request.length)
    } catch (error) {
      if (!(await isPluggedIn(this.#places, this.device))) this.#lose(error)
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#release()
  }

  /** Volume keys and the like are reports of the same node. */
  #isOfKeyboard([id]: Uint8Array): boolean {
    const ids = this.device.reports.keyboardIds
    return ids.includes(0) || ids.includes(id ?? 0)
  }

  /** Some readers repeat the empty report for ever: that is silence. */
  #hear(bytes: Uint8Array): void {
    const text = bytes.join()
    if (text === this.#latest) return
    this.#latest = text
    this.#heardAtMs = this.#quiet.nowMs()
  }

  /** For a loss that no read reports. */
  async #watch(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await this.#clock.sleep(probeMs, this.#closing.signal)
      if (!(await isPluggedIn(this.#places, this.device))) this.#lose('sysfs shows another device, or none')
    }
  }

  #lose(cause: unknown): void {
    if (this.#closing.signal.aborted) return
    this.#lost = new AppError('reader-unplugged', `${this.device.node} is gone`, { cause })
    // At once: a node that is kept open makes the kernel give the device another number when it comes back.
    void this.#release()
    if (this.#isReady) this.#receiver.failed(this.#lost)
  }

  #release(): Promise<void> {
    this.#closing.abort()
    this.#released ??= this.#close()
    return this.#released
  }

  async #close(): Promise<void> {
    await this.#hidraw?.[Symbol.asyncDispose]()
    await this.#lock[Symbol.asyncDispose]()
  }
}

/** node-hid's open errors carry no code, only text; so look at the node first, where codes are to be had. */
async function checkAccess(node: string): Promise<void> {
  await access(node, constants.R_OK | constants.W_OK).catch((cause: unknown) => {
    throw accessError(node, cause)
  })
}

const accessCodes: Record<string, ErrorCode> = {
  ENOENT: 'reader-not-found',
  EACCES: 'reader-permission',
  EPERM: 'reader-permission',
}

/** For tests: root is refused nothing. */
export function accessError(node: string, cause: unknown): AppError {
  return new AppError(accessCodes[nativeCode(cause) ?? ''] ?? 'reader-failed', `cannot open ${node}`, {
    cause,
  })
}
