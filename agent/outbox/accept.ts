import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { OutboxFile } from './file.ts'
import { asUuid, fromUuid, newId, newKey } from './id.ts'
import type { Order } from './order.ts'
import type { NewRegistration, StoredRegistration } from './registration.ts'
import { nextLink } from './seal.ts'

const insert = `
  INSERT INTO registrations
    (seq, id, idempotency_key, system, subject, card, reader_id, created_at, created_mono_ms, boot_id, digest, link, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

/** One insert at the end of one table: the least that a durable commit takes. */
export function accept(file: OutboxFile, order: Order, registration: NewRegistration): StoredRegistration {
  const { clock, seals } = file
  const { system, subject, card, body, readerId } = registration
  const seq = file.highestSeq + 1
  const id = newId(seq)
  const place = { seq, idempotencyKey: newKey() }
  const createdAt = clock.now()
  const keys = {
    subject: seals.orderKey(system, subject),
    card: card === '' ? null : seals.orderKey('card', card),
  }
  const digest = seals.digest(place, body)
  const link = nextLink(file.link, place, digest)
  order.makeRoom(seq)
  file.guarded(() =>
    file
      .statement(insert)
      .run(
        seq,
        id,
        place.idempotencyKey,
        system,
        keys.subject,
        keys.card,
        readerId,
        Date.parse(createdAt),
        Math.round(clock.monoMs()),
        bootId,
        digest,
        link,
        seals.seal(place, 'body', body),
      ),
  )
  file.accepted(seq, link)
  const stored: StoredRegistration = {
    seq,
    id: asUuid(id),
    idempotencyKey: asUuid(place.idempotencyKey),
    system,
    body,
    readerId,
    createdAt,
    state: 'pending',
    attempts: 0,
    failures: 0,
    lastError: null,
    receipt: null,
    discardReason: null,
  }
  order.accepted(seq, stored.id, keys)
  return stored
}

/** Tells monotonic times of one boot from those of another; where it cannot be known, every process is its own. */
export const bootId: Buffer = fromUuid(readBootId())

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return randomUUID()
  }
}
