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

/** A line to a reader that is asked. */
export interface TwoWayTransport extends Transport {
  /**
   * Puts all of `bytes` (at most `maxWriteBytes`) on the line, one call at a time. Rejects with `reader-unplugged`,
   * or with `reader-deaf` when the device has not taken them after a second; part of them may then have gone, so
   * the session is over. Nothing that was not taken is left for the next session.
   */
  write(bytes: Uint8Array): Promise<void>
}

/** Longer than any request there is. */
export const maxWriteBytes = 1_024
