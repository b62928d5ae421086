/**
 * 7941W dual-band module, asked over UART (product page; reference: readers.md 1i):
 *
 *   to it     AB BA address command length data XOR
 *   from it   CD DC address status length data XOR
 *
 * The XOR is of everything between the two header bytes and itself. Status 81: done; 80: not done, which is also
 * what it says when there is no card. The answer does not say what was asked.
 */
import { toHex, xor } from './bytes.ts'
import type { Answer, Codec } from './codec.ts'
import { HuntingCodec, type Grammar, type Match } from './hunting.ts'

export interface ModuleFrame {
  address: number
  status: number
  data: Uint8Array
}

/** The longest data of any answer: a block of 16 bytes after its sector and number. */
const maxDataBytes = 18
/** Header, address, status, length. */
const headBytes = 5

function command(code: number): Uint8Array {
  return Uint8Array.of(0xab, 0xba, 0x00, code, 0x00, code)
}

/** Asks for the UID of a 13.56 MHz card. */
export const askUid = command(0x10)
/** Asks for the id of a 125 kHz card. */
export const askLfId = command(0x15)

const grammar: Grammar<ModuleFrame> = {
  maxBytes: headBytes + maxDataBytes + 1,
  match(bytes): Match<ModuleFrame> {
    const [first, second, address, status, dataBytes] = bytes
    if (first !== 0xcd || (second !== undefined && second !== 0xdc)) return 'none'
    if (address === undefined || status === undefined || dataBytes === undefined) return 'more'
    if (dataBytes > maxDataBytes) return 'none'
    const length = headBytes + dataBytes + 1
    if (bytes.length < length) return 'more'
    if (xor(bytes.subarray(2, length)) !== 0) return { length, code: 'frame-checksum' }
    return { length, frame: { address, status, data: bytes.slice(headBytes, length - 1) } }
  },
}

export function moduleCodec(idleResetMs = 50): Codec<ModuleFrame> {
  return new HuntingCodec(grammar, idleResetMs)
}

const done = 0x81
const notDone = 0x80
const idBytes = { uid: [4, 7, 10], 'lf-id': [5] }

/** `asked` is what the frame answers. */
export function readModuleAnswer({ status, data }: ModuleFrame, asked: 'uid' | 'lf-id'): Answer {
  if (status === notDone) return { card: null }
  if (status !== done) return { code: 'answer-failed' }
  if (!idBytes[asked].includes(data.length)) return { code: 'answer-malformed' }
  const technology = asked === 'uid' ? 'iso14443a' : 'lf'
  return { card: { payload: toHex(data), form: 'bytes', proof: 'checksum', technology } }
}
