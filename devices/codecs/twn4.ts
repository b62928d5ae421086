/**
 * Elatec TWN4 in Simple Protocol (Elatec "Simple Protocol", c3rebro/Elatec.NET; reference: readers.md 1h): lines of
 * hex that end in CR, one request in flight. A request is the number of an API and of its function, then arguments,
 * numbers little-endian. A reply is an error byte, 00 for none, then the result; it must be exactly as long as what
 * it holds.
 */
import type { CardFrame, Technology } from '../card-frame.ts'
import { fromHex, toHex } from './bytes.ts'
import type { Answer } from './codec.ts'

function request(...bytes: number[]): string {
  return `${toHex(Uint8Array.from(bytes))}\r`
}

function u16(value: number): number[] {
  return [value & 0xff, value >> 8]
}

function u32(value: number): number[] {
  return [...u16(value & 0xffff), ...u16(value >>> 16)]
}

/** The probe: it names the reader, whether or not a card lies there. */
export const getVersionString = request(0x00, 0x04, 0xff)

export const setRfOff = request(0x05, 0x01)

/** Answers the next card, with at most `maxIdBytes` of its id. */
export function searchTag(maxIdBytes: number): string {
  return request(0x05, 0x00, maxIdBytes)
}

/** Which kinds of card to look for: a bit for each tag type, its place the lower five bits of the type. */
export function setTagTypes(lowFrequency: number, highFrequency: number): string {
  return request(0x05, 0x02, ...u32(lowFrequency), ...u32(highFrequency))
}

/** `volume` in per cent, `offMs`: the silence after it. */
export function beep(volume: number, frequencyHz: number, onMs: number, offMs: number): string {
  return request(0x04, 0x07, volume, ...u16(frequencyHz), ...u16(onMs), ...u16(offMs))
}

/** `mask`: 1 red, 2 green, 4 yellow. A LED must be initialised before it is used. */
export function led(what: 'init' | 'on' | 'off' | 'toggle', mask: number): string {
  return request(0x04, { init: 0x10, on: 0x11, off: 0x12, toggle: 0x13 }[what], mask)
}

export function ledBlink(mask: number, onMs: number, offMs: number): string {
  return request(0x04, 0x14, mask, ...u16(onMs), ...u16(offMs))
}

/** The result in a reply, or why there is none. */
function result(line: string): { bytes: Uint8Array } | { code: 'answer-malformed' | 'answer-failed' } {
  const bytes = fromHex(line)
  if (bytes === undefined || bytes.length === 0) return { code: 'answer-malformed' }
  return bytes[0] === 0 ? { bytes: bytes.subarray(1) } : { code: 'answer-failed' }
}

/** Is this the reply to a request that has no result: done? */
export function isDone(line: string): boolean {
  return line === '00'
}

/** The version of a TWN4, from the reply to GetVersionString; undefined for anything else. */
export function readVersionString(line: string): string | undefined {
  const reply = result(line)
  if ('code' in reply) return undefined
  const [length, ...characters] = reply.bytes
  const version = String.fromCharCode(...characters)
  return length === version.length && version.startsWith('TWN4') ? version : undefined
}

/** 40 to 5F are 125 kHz cards (40 EM4102, 49 HID Prox, 4D Indala), 80 to 9F 13.56 MHz ones. */
function technologyOf(tagType: number): Technology | undefined {
  if (tagType >= 0x40 && tagType <= 0x5f) return 'lf'
  return new Map<number, Technology>([
    [0x80, 'iso14443a'],
    [0x81, 'iso14443b'],
    [0x82, 'iso15693'],
  ]).get(tagType)
}

/** The reply to SearchTag: 00 no card; 01, tag type, bit count, length, id. */
export function readTag(line: string): Answer {
  const reply = result(line)
  if ('code' in reply) return reply
  const [found, tagType, bits, length, ...id] = reply.bytes
  if (found === 0 && reply.bytes.length === 1) return { card: null }
  if (found !== 1 || tagType === undefined || bits === undefined) return { code: 'answer-malformed' }
  // The length, the bytes that are there, and the bytes that so many bits take must be one number.
  if (bits === 0 || length !== id.length || length !== Math.ceil(bits / 8))
    return { code: 'answer-malformed' }

  const technology = technologyOf(tagType)
  const card: CardFrame = {
    ...bitsAsNumber(Uint8Array.from(id), bits),
    form: 'bytes',
    proof: 'none',
    ...(technology === undefined ? {} : { technology }),
  }
  return { card }
}

/** Unused bits are the lowest of the last byte (Elatec TWN3 manual, 6.1): as a number they come off. */
function bitsAsNumber(id: Uint8Array, bits: number): { payload: string; bits?: number } {
  const unused = id.length * 8 - bits
  if (unused === 0) return { payload: toHex(id) }
  const value = BigInt(`0x${toHex(id)}`) >> BigInt(unused)
  return {
    payload: value
      .toString(16)
      .padStart(id.length * 2, '0')
      .toUpperCase(),
    bits,
  }
}
