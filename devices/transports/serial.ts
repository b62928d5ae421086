import { constants, read, write } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { SerialPort } from 'serialport'
import type { Clock } from '../../shared/clock.ts'
import { AppError, nativeCode, type ErrorCode } from '../../shared/errors.ts'
import { QuietClock } from '../quiet-clock.ts'
import { Settling } from './settling.ts'
import { maxWriteBytes, type Receiver, type TwoWayTransport } from './transport.ts'

export interface SerialLine {
  path: string
  baudRate: number
  dataBits: 7 | 8
  stopBits: 1 | 2
  parity: 'none' | 'even' | 'odd'
}

/** A line that is not quiet for this long is not a reader with these settings, in milliseconds. */
const maxSettleMs = 1_000
/** How often an open line is checked for a device that left without a word, in milliseconds. */
const probeMs = 400
/** A device that has not taken a request after this long does not listen, in milliseconds. */
const maxWriteMs = 1_000
/** How often a line that takes no more is tried again, in milliseconds. */
const writeRetryMs = 10

/**
 * Opens a serial line alone (flock), throws away what was under way on it, then delivers. Works on
 * pseudo-terminals too: no modem line is touched.
 *
 * `frameEnds` are the bytes that may end a frame. Throws `reader-not-found`, `reader-permission`, `reader-busy`
 * or `reader-failed`; the receiver is told `reader-unplugged` however the line is lost later.
 *
 * Of serialport it takes what opens and configures the port and waits for it, and reads by itself. The stream stops
 * reading when nobody takes its data, and then never sees an unplug (measured: readers.md 2); the binding's own read
 * repeats for ever, at full speed, once the line has hung up, and goes on while the port is being closed.
 */
export async function openSerial(
  line: SerialLine,
  frameEnds: readonly number[],
  receiver: Receiver,
  clock: Clock,
  signal: AbortSignal,
): Promise<TwoWayTransport> {
  const device = await findDevice(line.path)
  const port = await openPort(line)
  const transport = new SerialTransport(line.path, port, device, frameEnds, receiver, clock)
  try {
    await transport.settle(signal)
  } catch (error) {
    await transport[Symbol.asyncDispose]()
    throw error
  }
  return transport
}

async function openPort(line: SerialLine): Promise<Port> {
  try {
    const port = await SerialPort.binding.open({ ...line, lock: true })
    if ('poller' in port) return port
  } catch (cause) {
    throw openError(line.path, cause)
  }
  throw new AppError('reader-failed', 'serial readers work on Linux')
}

/** serialport's port for Unix; the one for Windows has no descriptor to read from. */
type Port = Extract<Awaited<ReturnType<typeof SerialPort.binding.open>>, { poller: unknown }>

const readDescriptor = promisify(read)
const writeDescriptor = promisify(write)

class SerialTransport implements TwoWayTransport {
  readonly #path: string
  readonly #port: Port
  readonly #device: string
  readonly #receiver: Receiver
  readonly #clock: Clock
  readonly #quiet: QuietClock
  readonly #settling: Settling
  readonly #closing = new AbortController()
  readonly #reading: Promise<void>
  /** The request that is on its way out. */
  #writing: Promise<void> | undefined
  #hasWritten = false
  #released: Promise<void> | undefined
  #isReady = false
  #lost: AppError | undefined

  constructor(
    path: string,
    port: Port,
    device: string,
    frameEnds: readonly number[],
    receiver: Receiver,
    clock: Clock,
  ) {
    this.#path = path
    this.#port = port
    this.#device = device
    this.#receiver = receiver
    this.#clock = clock
    this.#quiet = new QuietClock(clock)
    this.#settling = new Settling(frameEnds)
    this.#reading = this.#read()
    void this.#watch()
  }

  async settle(signal: AbortSignal): Promise<void> {
    const deadlineMs = this.#clock.monoMs() + maxSettleMs
    while (!this.#settling.isSettled(this.#quiet.nowMs())) {
      if (signal.aborted) throw new AppError('reader-failed', `opening ${this.#path} was given up`)
      if (this.#lost !== undefined) throw this.#lost
      if (this.#clock.monoMs() > deadlineMs) {
        throw new AppError('reader-failed', `${this.#path} never stops sending: is its baud rate right?`)
      }
      await this.#quiet.step(signal)
    }
    if (this.#lost !== undefined) throw this.#lost
    this.#isReady = true
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length > maxWriteBytes) throw new RangeError(`a request of ${String(bytes.length)} bytes`)
    if (this.#writing !== undefined) throw new Error('a request is on its way already')
    this.#hasWritten = true
    this.#writing = this.#writeAll(bytes)
    try {
      await this.#writing
    } finally {
      this.#writing = undefined
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#release()
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    const deadlineMs = this.#clock.monoMs() + maxWriteMs
    for (let sent = 0; sent < bytes.length;) {
      if (this.#closing.signal.aborted) {
        throw this.#lost ?? new AppError('reader-unplugged', `${this.#path} is closed`)
      }
      const count = await this.#writeOnce(bytes.subarray(sent))
      sent += count
      if (count > 0) continue
      if (this.#clock.monoMs() > deadlineMs) {
        throw new AppError('reader-deaf', `${this.#path} takes no request`)
      }
      await this.#clock.sleep(writeRetryMs, this.#closing.signal)
    }
  }

  /** How many of the bytes the line took: none, when it is full. */
  async #writeOnce(bytes: Uint8Array): Promise<number> {
    try {
      if (this.#port.fd === null) throw new Error('the port is closed')
      return (await writeDescriptor(this.#port.fd, bytes, 0, bytes.length, null)).bytesWritten
    } catch (error) {
      if (nativeCode(error) === 'EAGAIN' || nativeCode(error) === 'EINTR') return 0
      this.#lose(error)
      throw this.#lost ?? new AppError('reader-unplugged', `${this.#path} is closed`, { cause: error })
    }
  }

  /** A read or a wait is pending at all times: the kernel reports an unplug only to somebody who waits. */
  async #read(): Promise<void> {
    const buffer = Buffer.alloc(4096)
    try {
      while (!this.#closing.signal.aborted) {
        const count = await this.#readOnce(buffer)
        if (count === undefined) await this.#untilReadable()
        else if (count === 0) throw new Error('the line hung up')
        else this.#deliver(Uint8Array.from(buffer.subarray(0, count)))
      }
    } catch (cause) {
      this.#lose(cause)
    }
  }

  /** Number of bytes, or undefined when there are none yet. */
  async #readOnce(buffer: Buffer): Promise<number | undefined> {
    try {
      if (this.#port.fd === null) return 0
      return (await readDescriptor(this.#port.fd, buffer, 0, buffer.length, null)).bytesRead
    } catch (error) {
      if (nativeCode(error) === 'EAGAIN' || nativeCode(error) === 'EINTR') return undefined
      throw error
    }
  }

  async #untilReadable(): Promise<void> {
    if (this.#closing.signal.aborted) return
    await new Promise<void>((resolve, reject) => {
      this.#port.poller.once('readable', (error?: Error | null) => {
        if (error) reject(error)
        else resolve()
      })
    })
  }

  #deliver(bytes: Uint8Array): void {
    const chunk = this.#settling.filter(bytes, this.#quiet.nowMs())
    if (chunk.length > 0 && !this.#closing.signal.aborted) this.#receiver.bytes(chunk)
  }

  /** For a loss that the pending read does not report: a device that was renumbered leaves the old node open. */
  async #watch(): Promise<void> {
    try {
      while (true) {
        await this.#clock.sleep(probeMs, this.#closing.signal)
        if (this.#closing.signal.aborted) return
        if ((await identify(this.#path)) !== this.#device) throw new Error('the path leads to another device')
      }
    } catch (cause) {
      this.#lose(cause)
    }
  }

  #lose(cause: unknown): void {
    if (this.#closing.signal.aborted) return
    this.#lost = new AppError('reader-unplugged', `${this.#path} is gone`, { cause })
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
    // Wakes the read that waits. It has to be over before the descriptor is: the number may be another file's next.
    this.#port.poller.stop()
    await this.#reading
    await this.#writing?.catch(() => undefined)
    // What the device has not taken must not reach it later, and closing would wait for it for up to half a minute.
    if (this.#hasWritten) await this.#port.flush().catch(() => undefined)
    // The descriptor is gone whether or not close(2) complains; there is nobody to act on it.
    await this.#port.close().catch(() => undefined)
  }
}

/** serialport's open errors carry no code, only text; so look at the path first, where codes are to be had. */
async function findDevice(path: string): Promise<string> {
  try {
    const device = await identify(path)
    await access(path, constants.R_OK | constants.W_OK)
    return device
  } catch (cause) {
    throw openError(path, cause)
  }
}

async function identify(path: string): Promise<string> {
  const found = await stat(path)
  if (!found.isCharacterDevice()) throw new AppError('reader-not-found', `${path} is no serial device`)
  return [found.dev, found.ino, found.rdev].join(':')
}

const openErrors: { code: ErrorCode; natives: string[]; texts: RegExp }[] = [
  {
    code: 'reader-not-found',
    natives: ['ENOENT', 'ENODEV', 'ENXIO', 'ENOTDIR', 'ELOOP'],
    texts: /No such (file|device)/,
  },
  {
    // systemd's device policy answers EPERM where the mode of the node answers EACCES.
    code: 'reader-permission',
    natives: ['EACCES', 'EPERM'],
    texts: /Permission denied|Operation not permitted/,
  },
  { code: 'reader-busy', natives: ['EBUSY'], texts: /Cannot lock port|Device or resource busy/ },
]

function openError(path: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause
  const native = nativeCode(cause)
  const text = cause instanceof Error ? cause.message : ''
  const known = openErrors.find(({ natives, texts }) =>
    native === undefined ? texts.test(text) : natives.includes(native),
  )
  return new AppError(known?.code ?? 'reader-failed', `cannot open ${path}`, { cause })
}
