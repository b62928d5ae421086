import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { AppError } from '../../shared/errors.ts'
import type { OutboxFile } from './file.ts'

/** How much an outbox may hold. Nothing is ever dropped: at a limit, new registrations are refused. */
export interface Limits {
  /** Registrations that wait for the server or for a person. */
  maxRows: number
  maxBytes: number
  /** Of the disk, for everybody: below it nothing new is accepted. */
  minFreeBytes: number
}

const mebibyte = 1024 * 1024
export const defaultLimits: Limits = {
  maxRows: 1_000_000,
  maxBytes: 1024 * mebibyte,
  minFreeBytes: 64 * mebibyte,
}

export const fillLevels = ['ok', 'warn', 'alarm', 'full'] as const

export interface Fill {
  level: (typeof fillLevels)[number]
  /** Of the limit that is nearest, 0 to 100. */
  percent: number
  rows: number
  maxRows: number
  bytes: number
  maxBytes: number
  diskFreeBytes: number
}

const warnPercent = 70
const alarmPercent = 90
/** Sizes are looked up anew after so many accepts, or so long. */
const lookAfterAccepts = 50
const lookAfterMs = 1_000

export class Room {
  readonly #file: OutboxFile
  readonly #limits: Limits
  #bytes = 0
  #diskFreeBytes = 0
  #accepts = 0
  #lookedMonoMs = Number.NEGATIVE_INFINITY

  constructor(file: OutboxFile, limits: Limits) {
    this.#file = file
    this.#limits = limits
  }

  /** Before an accept. Throws `outbox-full` or `disk-full`. */
  claim(): void {
    this.#accepts += 1
    if (this.#accepts > lookAfterAccepts || this.#file.clock.monoMs() - this.#lookedMonoMs > lookAfterMs)
      this.#look()
    const { maxRows, maxBytes, minFreeBytes } = this.#limits
    if (this.#rows >= maxRows || this.#bytes >= maxBytes) {
      throw new AppError('outbox-full', `the outbox holds ${String(this.#rows)} registrations that wait`)
    }
    if (this.#diskFreeBytes < minFreeBytes) {
      const left = `${String(Math.floor(this.#diskFreeBytes / mebibyte))} MiB`
      throw new AppError('disk-full', `the disk of ${this.#file.path} has only ${left} left`)
    }
  }

  get fill(): Fill {
    this.#look()
    const { maxRows, maxBytes, minFreeBytes } = this.#limits
    const share = Math.max(this.#rows / maxRows, this.#bytes / maxBytes)
    const isDiskFull = this.#diskFreeBytes < minFreeBytes
    const percent = isDiskFull ? 100 : Math.min(100, Math.floor(100 * share))
    return {
      level: levelOf(percent),
      percent,
      rows: this.#rows,
      maxRows,
      bytes: this.#bytes,
      maxBytes,
      diskFreeBytes: this.#diskFreeBytes,
    }
  }

  get #rows(): number {
    return this.#file.pending + this.#file.tally.dead
  }

  #look(): void {
    this.#accepts = 0
    this.#lookedMonoMs = this.#file.clock.monoMs()
    this.#bytes = this.#file.guarded(() => {
      const pragma = (name: string): number => Number(this.#file.statement(`PRAGMA ${name}`).pluck().get())
      return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
    })
    const { bavail, bsize } = statfsSync(dirname(this.#file.path))
    this.#diskFreeBytes = bavail * bsize
  }
}

function levelOf(percent: number): Fill['level'] {
  if (percent >= 100) return 'full'
  if (percent >= alarmPercent) return 'alarm'
  return percent >= warnPercent ? 'warn' : 'ok'
}
