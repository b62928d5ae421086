import { randomFillSync, randomUUID } from 'node:crypto'

/**
 * Ids say where their row is, so that none is looked up in an index, which every accept would have to write.
 *
 * An id is a UUID of version 8 (RFC 9562): its first 24 bits are the sequence number, scrambled so that neighbours look
 * nothing alike (people compare the first six characters with a screen), the rest is random.
 */

const codeMask = 0xff_ff_ff
/** Odd, so that multiplying by it modulo 2^24 can be undone. */
const scramble = 0x37_79_b1
const unscramble = inverseOf(scramble)

const pool = Buffer.alloc(4_096)
let used = pool.length

/** Random bytes from a stock: each call of the system would cost a tap microseconds. Copied out, never handed out twice. */
export function randomBytes(count: number): Buffer {
  if (used + count > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += count
  return Buffer.from(pool.subarray(used - count, used))
}

export function newId(seq: number): Buffer {
  const id = randomBytes(16)
  id.writeUIntBE(codeOf(seq), 0, 3)
  return stamped(id, 8)
}

/** The name of one life of an outbox. */
export function newEpoch(): string {
  return randomUUID()
}

/** A random UUID. */
export function newKey(): Buffer {
  return stamped(randomBytes(16), 4)
}

export function codeOf(seq: number): number {
  return Math.imul(seq % 2 ** 24, scramble) & codeMask
}

/** The sequence numbers up to `highest` whose ids begin with these hex digits; four to six of them count. */
export function* seqsOf(hex: string, highest: number): Generator<number> {
  const digits = hex.slice(0, 6)
  const open = 4 * (6 - digits.length)
  const first = Number.parseInt(digits, 16) * 2 ** open
  for (let code = first; code < first + 2 ** open; code++) {
    let seq = Math.imul(code, unscramble) & codeMask
    for (; seq <= highest; seq += 2 ** 24) if (seq > 0) yield seq
  }
}

export function asUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

export function fromUuid(text: string): Buffer {
  return Buffer.from(text.replaceAll('-', ''), 'hex')
}

function stamped(bytes: Buffer, version: number): Buffer {
  bytes[6] = (version << 4) | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return bytes
}

/** Newton's way to the inverse of an odd number modulo 2^24: every step doubles the bits that are right. */
function inverseOf(odd: number): number {
  let inverse = odd
  for (let bits = 3; bits < 24; bits *= 2) inverse = Math.imul(inverse, 2 - Math.imul(odd, inverse))
  return inverse & codeMask
}
