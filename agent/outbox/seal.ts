import { createCipheriv, createDecipheriv, createSecretKey, hash, type KeyObject } from 'node:crypto'
import { AppError } from '../../shared/errors.ts'
import { randomBytes } from './id.ts'
import type { Keyring } from './keyring.ts'
import { Mac } from './mac.ts'

/** What of a row is sealed; bound to the text, so that none can stand for another. */
export type Part = 'body' | 'outcome' | 'reason'

/** The row a text belongs to. */
export interface Place {
  seq: number
  /** 16 bytes. */
  idempotencyKey: Uint8Array
}

const ivBytes = 12
const tagBytes = 16
/** Number of the data key, big-endian, before the IV. */
const numberBytes = 2

const parts: Record<Part, number> = { body: 1, outcome: 2, reason: 3 }

/** Seals, opens and hashes what the outbox of one epoch keeps of people. */
export class Seals {
  readonly #epoch: Buffer
  #keys!: Map<number, KeyObject>
  #newest!: number
  #index!: Mac

  constructor(keyring: Keyring, epoch: string) {
    this.#epoch = Buffer.from(epoch)
    this.use(keyring)
  }

  /** Takes up a keyring with further data keys, or without those that seal nothing any more. */
  use(keyring: Keyring): void {
    // As key objects: made of bytes, a key costs more than what is done with it.
    this.#keys = new Map(keyring.data.map(({ number, key }) => [number, createSecretKey(key)]))
    this.#newest = Math.max(...this.#keys.keys())
    this.#index = new Mac(keyring.index)
  }

  get newestKey(): number {
    return this.#newest
  }

  /** AES-256-GCM under the newest data key, bound to epoch, sequence number, idempotency key and part. */
  seal(place: Place, part: Part, text: string): Buffer {
    const head = Buffer.allocUnsafe(numberBytes + ivBytes)
    head.writeUInt16BE(this.#newest)
    randomBytes(ivBytes).copy(head, numberBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#key(this.#newest), head.subarray(numberBytes), {
      authTagLength: tagBytes,
    })
    cipher.setAAD(this.#bound(place, part))
    const text1 = cipher.update(text, 'utf8')
    cipher.final()
    return Buffer.concat([head, text1, cipher.getAuthTag()])
  }

  /** What was sealed for this place. Throws `registration-damaged` when it was changed or stood elsewhere. */
  open(place: Place, part: Part, sealed: Uint8Array): string {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
    try {
      const iv = bytes.subarray(numberBytes, numberBytes + ivBytes)
      const decipher = createDecipheriv('aes-256-gcm', this.#key(bytes.readUInt16BE()), iv, {
        authTagLength: tagBytes,
      })
      decipher.setAAD(this.#bound(place, part))
      decipher.setAuthTag(bytes.subarray(-tagBytes))
      const text = decipher.update(bytes.subarray(numberBytes + ivBytes, -tagBytes), undefined, 'utf8')
      return text + decipher.final('utf8')
    } catch (cause) {
      throw new AppError('registration-damaged', `registration ${String(place.seq)} does not open`, { cause })
    }
  }

  isNewest(sealed: Uint8Array): boolean {
    return Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength).readUInt16BE() === this.#newest
  }

  /** Equal texts give equal numbers of 48 bits, and nobody without the key can tell which text. */
  orderKey(kind: string, text: string): number {
    return this.#index.of(Buffer.from(`${kind}\0${text}`)).readUIntBE(0, 6)
  }

  /** 16 bytes that stand for a body once it is gone: whoever has the key and the body can tell that it was this one. */
  digest(place: Place, body: string): Buffer {
    return this.#index.of(place.idempotencyKey, Buffer.from(body)).subarray(0, 16)
  }

  /** 16 bytes that stand for the content of a line of a list. */
  listKey(content: string): Buffer {
    return this.#index.of(Buffer.from(`list\0${content}`)).subarray(0, 16)
  }

  /** Shows that the keyring is the one of this outbox without telling anything of it. */
  proof(): string {
    return this.#index.of(Buffer.from('outbox'), this.#epoch).toString('hex')
  }

  #key(number: number): KeyObject {
    const key = this.#keys.get(number)
    if (key === undefined) throw new AppError('outbox-key-mismatch', `there is no key ${String(number)}`)
    return key
  }

  #bound({ seq, idempotencyKey }: Place, part: Part): Buffer {
    const bound = Buffer.allocUnsafe(this.#epoch.length + 8 + idempotencyKey.length + 1)
    let at = this.#epoch.copy(bound)
    at = bound.writeDoubleBE(seq, at)
    bound.set(idempotencyKey, at)
    bound[bound.length - 1] = parts[part]
    return bound
  }
}

/** The chain's first link, before any row. */
export function firstLink(epoch: string): Buffer {
  return hash('sha256', epoch, 'buffer')
}

/** 32 bytes that commit to this row and all before it. */
export function nextLink(previous: Uint8Array, { seq, idempotencyKey }: Place, digest: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(32 + 8 + 16 + 16)
  bytes.set(previous)
  bytes.writeDoubleBE(seq, 32)
  bytes.set(idempotencyKey, 40)
  bytes.set(digest, 56)
  return hash('sha256', bytes, 'buffer')
}
