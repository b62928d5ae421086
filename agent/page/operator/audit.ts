import { appendFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../../shared/clock.ts'
import type { Log } from '../../../shared/log.ts'

export type AuditEvent =
  | { event: 'pin-set' | 'pin-right' | 'pin-wrong' | 'pin-locked' | 'left' | 'sent-now' | 'bundle-written' }
  | { event: 'reader-tested'; reader: string; verdict: 'good' | 'bad' }
  | { event: 'retried'; registration: string }

/** So large the file may grow; with the one before it, some ten thousand events are kept. */
const maxBytes = 1024 * 1024

/** What was done in the operator's area, a line of JSON each in `operator-audit.jsonl`, and in the log. */
export class OperatorAudit {
  readonly #path: string
  readonly #clock: Clock
  readonly #log: Log

  constructor(data: string, clock: Clock, log: Log) {
    this.#path = join(data, 'operator-audit.jsonl')
    this.#clock = clock
    this.#log = log
  }

  /** A full disk must not lock the operator out of the place where it is seen: then the log alone has it. */
  write(event: AuditEvent): void {
    this.#log.info({ audit: event }, 'operator')
    try {
      if ((statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) > maxBytes)
        renameSync(this.#path, `${this.#path}.1`)
      const line = JSON.stringify({ at: this.#clock.now(), ...event })
      appendFileSync(this.#path, `${line}\n`, { mode: 0o600, flush: true })
    } catch (err) {
      this.#log.error({ err }, 'the operator’s audit cannot be written')
    }
  }
}
