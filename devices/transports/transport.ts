import type { AppError } from '../../shared/errors.ts'

/** Where a transport delivers. Both are called from the event loop and must not throw. */
export interface Receiver {
  /** Bytes in the order of the wire, in pieces of any size. */
  bytes(chunk: Uint8Array): void
  /** The line is gone or broken; nothing follows. Called at most once, with a `reader-…` code. */
  failed(error: AppError): void
}

/**
 * An open line. Opening one takes the receiver, so nothing can arrive before there is somebody to take it.
 * Disposing is idempotent, resolves when the device is released, and ends delivery at once.
 */
export type Transport = AsyncDisposable
