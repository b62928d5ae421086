import type { CardFrame } from '../card-frame.ts'
import type { Rejection, RejectionCode } from '../rejection.ts'

/**
 * Turns what a transport delivers into frames. Pure: it does no I/O and knows no clock; times are milliseconds,
 * handed in, of any clock that never goes back. It holds a bounded number of bytes, whatever arrives, and serves
 * one session: what is left of one must not reach the next.
 *
 * However a stream of bytes is cut into pieces, the frames are the same.
 */
export interface Codec<Frame = CardFrame> {
  /** When `idle` will have something to do; undefined while there is nothing to wait for. */
  readonly dueMs: number | undefined
  /** Takes what arrived: bytes in pieces of any size, or exactly one HID report. Does first what `idle` would. */
  push(bytes: Uint8Array, nowMs: number): Decoded<Frame>[]
  /** Nothing has arrived since. Gives up, or ends, what silence ends. */
  idle(nowMs: number): Decoded<Frame>[]
  /** Forgets everything, and answers what that was. */
  reset(): Decoded<Frame>[]
}

export type Decoded<Frame = CardFrame> = { frame: Frame } | { rejected: Rejection }

/** What a reader that is asked for its card says: a card, none, or something that is no answer. */
export type Answer = { card: CardFrame | null } | { code: RejectionCode }
