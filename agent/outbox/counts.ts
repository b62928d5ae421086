import { bootId } from './accept.ts'
import type { OutboxFile } from './file.ts'
import type { Order } from './order.ts'
import type { OutboxCounts, Watermark } from './registration.ts'

export function countAll(file: OutboxFile, order: Order): OutboxCounts {
  const { delivered, dead, discarded, lost } = file.tally
  const unconfirmed = countUnconfirmed(file)
  const oldestPendingSeconds = ageOfOldest(file, order)
  return { pending: file.pending, delivered, unconfirmed, dead, discarded, lost, oldestPendingSeconds }
}

export function watermarkOf(file: OutboxFile): Watermark {
  const { delivered, dead, discarded, lost } = file.tally
  const { epoch, highestSeq, pending } = file
  const chainHead = Buffer.from(file.link).toString('hex')
  return { epoch, highestSeq, accepted: highestSeq, delivered, dead, discarded, lost, pending, chainHead }
}

/** How many were delivered as far as anybody can tell: each table has an index of just these. */
function countUnconfirmed(file: OutboxFile): number {
  const count = (table: 'registrations' | 'tombstones'): number =>
    file.all<{ rows: number }>(
      `SELECT count(*) AS rows FROM ${table} WHERE last_error = 'delivered-unconfirmed'`,
    )[0]?.rows ?? 0
  return count('registrations') + count('tombstones')
}

/** In seconds: by the monotonic clock where the row is of this boot, else by the wall clock, which may have been set since. */
function ageOfOldest(file: OutboxFile, order: Order): number | null {
  const seq = order.oldest()
  if (seq === undefined) return null
  const oldest = file.all<{ at: number; monoMs: number; bootId: Uint8Array }>(
    'SELECT created_at AS at, created_mono_ms AS monoMs, boot_id AS bootId FROM registrations WHERE seq = $seq',
    { seq },
  )[0]
  if (oldest === undefined) return null
  const { clock } = file
  const ageMs = bootId.equals(oldest.bootId)
    ? clock.monoMs() - oldest.monoMs
    : Date.parse(clock.now()) - oldest.at
  return Math.max(0, Math.round(ageMs / 1000))
}
