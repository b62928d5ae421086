import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { Clock } from '../../../shared/clock.ts'
import { AppError } from '../../../shared/errors.ts'
import { readRecord, writeRecord } from './record.ts'

/** OWASP's Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane. */
const cost = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const
const hashed = promisify(argon2)

export const pinForm = /^\d{6,12}$/
export const maxTries = 5
export const lockMs = 5 * 60_000

const storedPin = z.object({ salt: z.base64url(), hash: z.base64url() })
/** `salt` names the PIN the tries were made on: a new PIN begins anew. */
const storedTries = z.object({ salt: z.string(), failed: z.int(), lockedUntil: z.iso.datetime().nullable() })

export type PinAnswer =
  | { kind: 'right' }
  | { kind: 'wrong'; triesLeft: number }
  | { kind: 'locked'; leftMs: number }
  /** No PIN was set: nobody gets in. */
  | { kind: 'none' }

const pinPath = (data: string): string => join(data, 'operator-pin.json')

/** Throws `pin-form` and `record-unusable`. A running agent takes it at the next attempt. */
export async function setPin(data: string, pin: string): Promise<void> {
  if (!pinForm.test(pin)) throw new AppError('pin-form', 'a PIN has 6 to 12 digits')
  const salt = randomBytes(16)
  const hash = await hashOf(pin, salt)
  writeRecord(pinPath(data), { salt: salt.toString('base64url'), hash: hash.toString('base64url') })
}

/**
 * The operator's PIN and the tries on it. A try is on the disk before it is looked at, so that neither a restart nor
 * a kill in between gives another one. The lock is by the wall clock, which a restart survives, and never longer
 * than `lockMs` from now, whatever was done to that clock.
 */
export class OperatorPin {
  readonly #data: string
  readonly #clock: Clock

  constructor(data: string, clock: Clock) {
    this.#data = data
    this.#clock = clock
  }

  /**
   * Counts before its first await: as many tries at once as somebody likes are still single ones. Throws
   * `record-unusable`.
   */
  async check(pin: string): Promise<PinAnswer> {
    const stored = readRecord(pinPath(this.#data), storedPin)
    if (stored === undefined) return { kind: 'none' }
    const triesPath = join(this.#data, 'operator-tries.json')
    const tries = readRecord(triesPath, storedTries)
    const { failed, lockedUntil } = tries?.salt === stored.salt ? tries : { failed: 0, lockedUntil: null }
    const now = Date.parse(this.#clock.now())
    const leftMs = lockedUntil === null ? 0 : Math.min(Date.parse(lockedUntil) - now, lockMs)
    if (leftMs > 0) return { kind: 'locked', leftMs }

    const count = failed >= maxTries ? 1 : failed + 1
    const until = count >= maxTries ? new Date(now + lockMs).toISOString() : null
    writeRecord(triesPath, { salt: stored.salt, failed: count, lockedUntil: until })
    const hash = await hashOf(pin, Buffer.from(stored.salt, 'base64url'))
    if (timingSafeEqual(hash, Buffer.from(stored.hash, 'base64url'))) {
      writeRecord(triesPath, { salt: stored.salt, failed: 0, lockedUntil: null })
      return { kind: 'right' }
    }
    return until === null
      ? { kind: 'wrong', triesLeft: maxTries - count }
      : { kind: 'locked', leftMs: lockMs }
  }
}

function hashOf(pin: string, salt: Buffer): Promise<Buffer> {
  return hashed('argon2id', { ...cost, message: pin, nonce: salt })
}
