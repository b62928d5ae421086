import { AppError } from '../../shared/errors.ts'
import type { Receiver, TwoWayTransport } from './transport.ts'

/** A line without a device: whoever holds it says what arrives. Carries simulated readers, and tests. */
export class MemoryTransport implements TwoWayTransport {
  #receiver: Receiver | undefined
  readonly #taken: (bytes: Uint8Array) => void | Promise<void>

  /** `taken` is given what is written, and may reject as a line does. */
  constructor(receiver: Receiver, taken: (bytes: Uint8Array) => void | Promise<void> = () => undefined) {
    this.#receiver = receiver
    this.#taken = taken
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#receiver === undefined) throw new AppError('reader-unplugged', 'the line is closed')
    await this.#taken(bytes)
  }

  deliver(bytes: Uint8Array): void {
    this.#receiver?.bytes(bytes)
  }

  fail(error: AppError): void {
    const receiver = this.#receiver
    this.#receiver = undefined
    receiver?.failed(error)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#receiver = undefined
    return Promise.resolve()
  }
}
