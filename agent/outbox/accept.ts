import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { OutboxFile } from './file.ts'
import { asUuid, fromUuid, newId, newKey } from './id.ts'
import { rememberImported } from './imported.ts'
import type { Order } from './order.ts'
import type { NewRegistration, StoredRegistration } from './registration.ts'
import { nextLink } from './seal.ts'

const insert = `
  INSERT INTO registrations
    (seq, id, idempotency_key, system, subject, card, reader_id, consent_text, created_at, created_mono_ms, boot_id,
     digest, link, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

/**
 * Accepts a part of a list in one transaction, and of equal content only the first that ever came from a list; answers
 * how many are new.
 */
export function acceptOnce(
  file: OutboxFile,
  order: Order,
  registrations: readonly NewRegistration[],
): number {
  order.makeRoom()
  const { highestSeq, link } = file
  try {
    return file.transaction(() => {
      const fresh = registrations.filter(({ body }) => rememberImported(file, body))
      for (const registration of fresh) insertRow(file, order, registration)
      return fresh.length
    })
  } catch (error) {
    for (let seq = highestSeq + 1; seq <= file.highestSeq; seq++) order.drop(seq)
    file.accepted(highestSeq, link)
    throw error
  }
}

/** One insert at the end of one table: the least that a durable commit takes. */
export function accept(file: OutboxFile, order: Order, registration: NewRegistration): StoredRegistration {
  order.makeRoom()
  return insertRow(file, order, registration)
}

function insertRow(file: OutboxFile, order: Order, registration: NewRegistration): StoredRegistration {
  const { clock, seals } = file
  const { system, subject, card, body, readerId, consentText = null } = registration
  const seq = file.highestSeq + 1
  const id = newId(seq)
  const place = { seq, idempotencyKey: newKey() }
  const createdAt = clock.now()
  const keys = {
    subject: subject === '' ? null : seals.orderKey(system, subject),
    card: card === '' ? null : seals.orderKey('card', card),
  }
  const digest = seals.digest(place, body)
  const link = nextLink(file.link, place, digest)
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
        consentText,
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
    consentText,
  }
  order.accepted({ seq, id: stored.id, system, ...keys, failures: 0 })
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
