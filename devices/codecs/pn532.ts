/**
 * Commands to the PN532 and its answers (NXP UM0701-02 section 7; reference: readers.md 1d). Every length is checked
 * before what it counts is looked at.
 */
import { hexBytes, toHex } from './bytes.ts'
import type { Answer } from './codec.ts'
import { commandFrame } from './pn532-frame.ts'

/** To send before the first command: the chip may be asleep, and takes no notice of what is too short. */
export const wakeUp = hexBytes('5555 0000 0000 0000 0000 0000 0000 0000')

/** Normal mode, no timeout, no IRQ. Without it the chip takes no other command after power-on. */
export function samConfiguration(): Uint8Array {
  return commandFrame(hexBytes('14 01'))
}

/** Also the probe: it answers whether or not a card lies there. */
export function getFirmwareVersion(): Uint8Array {
  return commandFrame(hexBytes('02'))
}

/** Cards of ISO 14443 type A at 106 kbit/s: up to two, so that a second one shows. */
export function inListPassiveTarget(): Uint8Array {
  return commandFrame(hexBytes('4A 02 00'))
}

/** `retries`: how often InListPassiveTarget looks again; with 255, the chip's own default, it waits for ever. */
export function limitRetries(retries: number): Uint8Array {
  return commandFrame(Uint8Array.of(0x32, 0x05, 0xff, 0x01, retries))
}

export function rfFieldOff(): Uint8Array {
  return commandFrame(hexBytes('32 01 00'))
}

export interface FirmwareVersion {
  /** 32 for the PN532. */
  ic: number
  version: string
  /** Bits: 1 ISO 14443 type A, 2 type B, 4 ISO 18092. */
  support: number
}

/** The answer to GetFirmwareVersion, or undefined for anything else. */
export function readFirmwareVersion(data: Uint8Array): FirmwareVersion | undefined {
  if (data.length !== 5 || data[0] !== 0x03) return undefined
  const [, ic, version, revision, support] = [...data] as [number, number, number, number, number]
  return { ic, version: `${String(version)}.${String(revision)}`, support }
}

/** Is this the bare answer to the command with this code: done, nothing to say? */
export function isDone(data: Uint8Array, command: number): boolean {
  return data.length === 1 && data[0] === command + 1
}

const idLengths = [4, 7, 10]
/** In SEL_RES: the card speaks ISO 14443-4, and its answer to select follows the id. */
const hasAts = 0x20
/** Of number, SENS_RES, SEL_RES, id length and the shortest id, in bytes. */
const leastTarget = 9

/** The answer to InListPassiveTarget: 4B, count, then number, SENS_RES (2), SEL_RES, id length, id, ATS. */
export function readTarget(data: Uint8Array): Answer {
  const [code, count, , , , selRes = 0, idLength = 0] = data
  if (code !== 0x4b) return { code: 'answer-malformed' }
  if (count === 0 && data.length === 2) return { card: null }
  if (count === 2 && data.length >= 2 + 2 * leastTarget) return { code: 'cards-several' }

  const idEnd = 7 + idLength
  if (count !== 1 || !idLengths.includes(idLength) || data.length < idEnd) return { code: 'answer-malformed' }
  const ats = data.subarray(idEnd)
  // An ATS starts with its own length. Some chips give none in spite of SEL_RES: the card then failed to answer.
  const isWhole = ats.length === 0 || ((selRes & hasAts) !== 0 && ats[0] === ats.length)
  if (!isWhole) return { code: 'answer-malformed' }
  const payload = toHex(data.subarray(7, idEnd))
  return { card: { payload, form: 'bytes', proof: 'checksum', technology: 'iso14443a' } }
}
