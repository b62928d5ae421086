import { ManualClock } from '../../devices/manual-clock.testing.ts'

/** A machine whose wall clock may be set, and which may be switched off: then its monotonic time begins anew. */
export class SteppingClock extends ManualClock {
  /** How far the wall is from the truth. */
  wallJumpMs = 0
  #offMs = 0
  #bootedMs = 0

  /** Milliseconds since 1970. */
  get trueMs(): number {
    return Date.parse(super.now()) + this.#offMs
  }

  override now(): string {
    return new Date(this.trueMs + this.wallJumpMs).toISOString()
  }

  override monoMs(): number {
    return super.monoMs() - this.#bootedMs
  }

  /** Off for so long, and on again. */
  reboot(offMs: number): void {
    this.#offMs += offMs
    this.#bootedMs = super.monoMs()
  }
}
