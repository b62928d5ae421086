/** How long after opening a line everything counts as the tail of an old frame, in milliseconds. */
const settleMs = 100
/** Silence that ends a frame which was under way when the line was opened, in milliseconds. */
const silenceMs = 50

/**
 * Throws away what a device was in the middle of saying when its line was opened: the end of a UID may look like
 * a shorter UID. Pure; times are in milliseconds since the open.
 *
 * discarding (settleMs) -> nothing came, or a frame had just ended: settled
 *                       -> in the middle of a frame: discarding, until it ends or silenceMs pass: settled
 */
export class Settling {
  readonly #frameEnds: readonly number[]
  #settled = false
  #lastByteMs: number | undefined
  #insideFrame = false

  /** `frameEnds`: bytes of which any is the last of a frame. */
  constructor(frameEnds: readonly number[]) {
    this.#frameEnds = frameEnds
  }

  isSettled(nowMs: number): boolean {
    const isQuiet = !this.#insideFrame || nowMs - (this.#lastByteMs ?? 0) >= silenceMs
    this.#settled ||= nowMs >= settleMs && isQuiet
    return this.#settled
  }

  /** What is left of `chunk` for the receiver. */
  filter(chunk: Uint8Array, nowMs: number): Uint8Array {
    if (this.isSettled(nowMs)) return chunk
    this.#lastByteMs = nowMs
    if (nowMs < settleMs) {
      this.#insideFrame = !this.#frameEnds.includes(chunk.at(-1) ?? 0)
      return chunk.subarray(chunk.length)
    }
    const end = chunk.findIndex((byte) => this.#frameEnds.includes(byte))
    if (end === -1) return chunk.subarray(chunk.length)
    this.#settled = true
    return chunk.subarray(end + 1)
  }
}
