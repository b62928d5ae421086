import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Clock } from '../../shared/clock.ts'
import { writeWholeFile } from '../../shared/whole-file.ts'

/** One moment as three clocks had it. */
const agreement = z.object({ passedMs: z.number(), wallMs: z.number(), serverMs: z.number() })
const reading = z.object({
  passedMs: z.number(),
  monoMs: z.number(),
  /** Hex. */
  bootId: z.string(),
  agreed: agreement.nullable(),
})
type Reading = z.output<typeof reading>

/** Written so often at most: what a power cut may cost is counted again, never too early. */
const keepEveryMs = 10 * 60 * 1000

/**
 * Time by which the outbox decides what is old: milliseconds that pass only as far as it is proven that they have passed.
 *
 *   this boot          -> by the monotonic clock, which nobody can set
 *   since another boot -> once the server has spoken: the lesser of what the wall clock and the server's Date header say has
 *                         passed since both were last heard together
 *
 * So one clock that is wrong, jumps or is put right removes nothing early; it can only keep something longer. Kept in a
 * file beside the outbox. Without that file, time begins anew at the last settlement, which is never too late.
 */
export class PassedTime {
  readonly #path: string
  readonly #clock: Clock
  /** Of this boot. */
  #reading: Reading
  #keptMonoMs = Number.NEGATIVE_INFINITY

  private constructor(path: string, clock: Clock, start: Reading) {
    this.#path = path
    this.#clock = clock
    this.#reading = start
  }

  /** @param lastSettledMs when the outbox last settled anything, as far as it knows; asked only where there is no file */
  static open(
    outboxPath: string,
    clock: Clock,
    boot: Uint8Array,
    lastSettledMs: () => number | null,
  ): PassedTime {
    const path = `${outboxPath}-time`
    const here = { monoMs: clock.monoMs(), bootId: Buffer.from(boot).toString('hex') }
    const kept = readKept(path) ?? {
      ...here,
      ...{ passedMs: lastSettledMs() ?? Date.parse(clock.now()), agreed: null },
    }
    const time = new PassedTime(path, clock, kept.bootId === here.bootId ? kept : { ...kept, ...here })
    time.keep()
    return time
  }

  /** Whole milliseconds; to be compared with others of these only. */
  get nowMs(): number {
    const { passedMs, monoMs } = this.#reading
    return Math.floor(passedMs + Math.max(0, this.#clock.monoMs() - monoMs))
  }

  /** The server has answered, and said what time it is: an HTTP date. */
  heard(serverDate: string): void {
    const serverMs = Date.parse(serverDate)
    if (Number.isNaN(serverMs)) return
    const wallMs = Date.parse(this.#clock.now())
    const { agreed } = this.#reading
    const both =
      agreed === null ? 0 : agreed.passedMs + Math.min(wallMs - agreed.wallMs, serverMs - agreed.serverMs)
    const passedMs = Math.max(this.nowMs, both)
    this.#reading = {
      ...this.#reading,
      ...{ passedMs, monoMs: this.#clock.monoMs() },
      agreed: { passedMs, wallMs, serverMs },
    }
  }

  /** Writes it down, where it has not been for a while. */
  keepUp(): void {
    if (this.#clock.monoMs() - this.#keptMonoMs >= keepEveryMs) this.keep()
  }

  /** Writes it down. */
  keep(): void {
    this.#keptMonoMs = this.#clock.monoMs()
    const now = { passedMs: this.nowMs, monoMs: this.#keptMonoMs }
    const text = JSON.stringify({ ...this.#reading, ...now } satisfies Reading)
    try {
      writeWholeFile(this.#path, `${text}\n${hash('sha256', text)}\n`)
    } catch {
      // A full disk: the file before it is still right, and only makes the wait longer.
    }
  }
}

/** Undefined where there is none, or not as it was written. */
function readKept(path: string): Reading | undefined {
  try {
    const [text = '', proof] = readFileSync(path, 'utf8').split('\n')
    return hash('sha256', text) === proof ? reading.parse(JSON.parse(text)) : undefined
  } catch {
    return undefined
  }
}
