/**
 * RF IDeas pcProx: cards by HID feature report (micolous/pcprox protocol.md, the only public source; reference:
 * readers.md 1g). A request is a feature report of ID 0 that starts with its code; a millisecond later the answer
 * is got as a feature report of eight bytes. The card's data are asked for first: that fixes what its length is of.
 *
 * The reader takes parity off and nobody checks it, so nothing here proves a read.
 */
import { toHex } from './bytes.ts'
import type { Answer } from './codec.ts'

function request(code: number): Uint8Array {
  return Uint8Array.of(0x00, code, 0, 0, 0, 0, 0, 0, 0)
}

/** To send, report ID first. */
export const askDevice = request(0x8a)
export const askCardData = request(0x8f)
export const askCardLength = request(0x8e)

/** The eight bytes of an answer; some systems put the report ID before them. */
function eightBytes(report: Uint8Array): Uint8Array | undefined {
  const bytes = report.length === 9 && report[0] === 0 ? report.subarray(1) : report
  return bytes.length === 8 ? bytes : undefined
}

/** Firmware, as major.minor.release, and the number of the model. */
export function readDevice(report: Uint8Array): { firmware: string; model: number } | undefined {
  const bytes = eightBytes(report)
  if (bytes === undefined) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  // The first four bits of a byte are its lower ones.
  const minor = view.getUint8(2) & 0x0f
  const release = view.getUint8(2) >> 4
  return { firmware: [view.getUint8(3), minor, release].join('.'), model: view.getUint16(5, true) }
}

/** `data`: the id, little-endian, nothing but zeros for no card. `length`: its first byte is how many bits it has. */
export function readCard(data: Uint8Array, length: Uint8Array): Answer {
  const id = eightBytes(data)?.toReversed()
  const [bits] = eightBytes(length) ?? []
  if (id === undefined || bits === undefined || bits > 64) return { code: 'answer-malformed' }
  const hex = toHex(id)
  const value = BigInt(`0x${hex}`)
  if (value === 0n) return { card: null }
  if (value >> BigInt(bits) !== 0n) return { code: 'answer-malformed' }
  return { card: { payload: hex.slice(-2 * Math.ceil(bits / 8)), form: 'bytes', proof: 'none', bits } }
}
