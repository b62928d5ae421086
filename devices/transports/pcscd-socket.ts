import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Clock } from '../../shared/clock.ts'
import { AppError, nativeCode, type ErrorCode } from '../../shared/errors.ts'

export interface PcscdSurroundings {
  clock: Clock
  trace: (bytes: Uint8Array, direction: 'in' | 'out') => void
}

/** The daemon sends only what it was asked for, and no struct of it is longer than this; unasked bytes are garbage. */
const maxUnreadBytes = 8_192

/**
 * One connection to pcscd's Unix socket: messages out, structs of a known size in. Nothing reconnects and nothing is
 * asked twice; once lost, everything throws why it was lost.
 */
export class PcscdSocket implements AsyncDisposable {
  readonly #socket: Socket
  readonly #surroundings: PcscdSurroundings
  readonly #closed: Promise<void>
  #unread: Uint8Array = new Uint8Array()
  #lost: AppError | undefined
  #isHungUp = false
  #wake: () => void = () => undefined

  private constructor(socket: Socket, surroundings: PcscdSurroundings) {
    this.#socket = socket
    this.#surroundings = surroundings
    socket.on('data', (bytes: Buffer) => {
      this.#take(bytes)
    })
    socket.on('error', (cause) => {
      this.#hangUp(cause)
    })
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#hangUp()
        resolve()
      })
    })
  }

  /**
   * Throws `reader-daemon-down` where nobody listens, `reader-unauthorised` where the socket may not be opened,
   * `reader-failed` when `signal` aborts, or for anything else.
   */
  static async open(
    path: string,
    surroundings: PcscdSurroundings,
    signal: AbortSignal,
  ): Promise<PcscdSocket> {
    const socket = connect({ path })
    // An error nobody listens to ends the process, also after a connect that was given up.
    socket.on('error', () => undefined)
    try {
      await once(socket, 'connect', { signal })
      return new PcscdSocket(socket, surroundings)
    } catch (cause) {
      socket.destroy()
      const code = signal.aborted ? 'reader-failed' : (openErrors[nativeCode(cause) ?? ''] ?? 'reader-failed')
      throw new AppError(code, `cannot connect to pcscd at ${path}`, { cause })
    }
  }

  /** The daemon ended the connection. */
  get isHungUp(): boolean {
    return this.#isHungUp
  }

  /** Sends a message and answers the `count` bytes that come back. `late` is thrown after `withinMs`. */
  async ask(message: Uint8Array, count: number, withinMs: number, late: ErrorCode): Promise<Uint8Array> {
    if (this.#lost === undefined && this.#unread.length > 0) this.#lose(tooMuch())
    this.send(message)
    return this.take(count, withinMs, late)
  }

  send(message: Uint8Array): void {
    if (this.#lost !== undefined) throw this.#lost
    this.#surroundings.trace(message, 'out')
    this.#socket.write(message)
  }

  /** The next `count` bytes. A connection that is silent for `withinMs` is lost, with the code `late`. */
  async take(count: number, withinMs: number, late: ErrorCode): Promise<Uint8Array> {
    if (!(await this.hasArrived(count, withinMs))) {
      this.#lose(new AppError(late, `pcscd did not answer within ${String(withinMs)} ms`))
    }
    if (this.#lost !== undefined) throw this.#lost
    const taken = this.#unread.slice(0, count)
    this.#unread = this.#unread.slice(count)
    return taken
  }

  /** Whether `count` bytes wait, or come within `withinMs`. Throws when the connection is lost. */
  async hasArrived(count: number, withinMs: number): Promise<boolean> {
    const waiting = new AbortController()
    let isLate = false as boolean
    const late = this.#surroundings.clock.sleep(withinMs, waiting.signal).then(() => {
      isLate = true
      this.#wake()
    })
    try {
      while (true) {
        if (this.#lost !== undefined) throw this.#lost
        if (this.#unread.length >= count) return true
        if (isLate) return false
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      waiting.abort()
      await late
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lose(new AppError('reader-failed', 'the connection to pcscd was closed'))
    await this.#closed
  }

  #take(bytes: Uint8Array): void {
    if (this.#lost !== undefined) return
    this.#surroundings.trace(bytes, 'in')
    this.#unread = Buffer.concat([this.#unread, bytes])
    if (this.#unread.length > maxUnreadBytes) this.#lose(tooMuch())
    this.#wake()
  }

  #hangUp(cause?: unknown): void {
    this.#isHungUp ||= this.#lost === undefined
    this.#lose(new AppError('reader-daemon-down', 'pcscd closed the connection', { cause }))
  }

  #lose(error: AppError): void {
    if (this.#lost !== undefined) return
    this.#lost = error
    this.#unread = new Uint8Array()
    this.#socket.destroy()
    this.#wake()
  }
}

function tooMuch(): AppError {
  return new AppError('reader-protocol', 'pcscd sent what it was not asked for')
}

/** A killed daemon leaves its socket behind, and that refuses (ECONNREFUSED); a daemon that hangs has a full queue. */
const openErrors: Partial<Record<string, ErrorCode>> = {
  ENOENT: 'reader-daemon-down',
  ENOTDIR: 'reader-daemon-down',
  ECONNREFUSED: 'reader-daemon-down',
  ECONNRESET: 'reader-daemon-down',
  EAGAIN: 'reader-daemon-down',
  EACCES: 'reader-unauthorised',
  EPERM: 'reader-unauthorised',
}
