import fc from 'fast-check'
import type { Codec, Decoded } from './codec.ts'

/** Sizes of the pieces that a stream arrives in, over and over. */
export const cuts = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 30 })

export const anyBytes = fc.uint8Array({ maxLength: 60 })

/** The stream in pieces, without time passing, and then silence for ever. */
export function decode<Frame>(
  codec: Codec<Frame>,
  bytes: Uint8Array,
  sizes: number[] = [bytes.length],
): Decoded<Frame>[] {
  const decoded: Decoded<Frame>[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    decoded.push(...codec.push(bytes.subarray(at, at + size), 0))
    at += size
  }
  return [...decoded, ...codec.idle(1_000_000)]
}

export function framesIn<Frame>(decoded: Decoded<Frame>[]): Frame[] {
  return decoded.flatMap((outcome) => ('frame' in outcome ? [outcome.frame] : []))
}

/** `code:bytes` of what was thrown away. */
export function rejectionsIn(decoded: Decoded<unknown>[]): string[] {
  return decoded.flatMap((outcome) =>
    'rejected' in outcome ? [`${outcome.rejected.code}:${String(outcome.rejected.bytes)}`] : [],
  )
}

/** Cut once at every place, and into single bytes. */
export function everyCut(bytes: Uint8Array): number[][] {
  const places = Array.from(bytes, (_, place) => place).slice(1)
  return [...places.map((place) => [place, bytes.length - place]), [1]]
}

export function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

export function holds(stream: Uint8Array, part: Uint8Array): boolean {
  return Array.from(stream).some((_, place) => part.every((byte, index) => stream[place + index] === byte))
}
