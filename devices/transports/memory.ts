import type { AppError } from '../../shared/errors.ts'
import type { Receiver, Transport } from './transport.ts'

/** A line without a device: whoever holds it says what arrives. Carries simulated readers, and tests. */
export class MemoryTransport implements Transport {
  #receiver: Receiver | undefined

  constructor(receiver: Receiver) {
    this.#receiver = receiver
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
