/**
 * Messages of pcscd's Unix socket (pcsc-lite, src/winscard_msg.h and src/eventhandler.h, protocol 4.3 to 4.5;
 * reference: readers.md 1e). A request is a header, size and command, then a struct of that size; the reply is the
 * struct again, without a header, `rv` last. All numbers are 32 bits in the order of the machine: little-endian on
 * every machine this runs on.
 *
 * `wait` is answered at once by the state of all readers, like `readers`; later, once, by the struct of `stopWaiting`
 * when something has changed.
 */

/** Protocols that these structs hold for. The daemon wants its own minor number, and names it in its reply. */
export function isSpoken({ major, minor }: { major: number; minor: number }): boolean {
  return major === 4 && minor >= 3 && minor <= 5
}

export interface ReaderState {
  name: string
  /** Counts insertions and removals: a swap between two looks shows here and nowhere else. */
  eventCounter: number
  isCardPresent: boolean
  /** The driver of the reader gets no answer from it: it hangs, or was pulled out a moment ago. */
  isLost: boolean
  atr: Uint8Array
}

const maxReaders = 16
const nameBytes = 128
const maxAtrBytes = 33
const readerStateBytes = 184
const unknown = 0x0001
const present = 0x0004

/** Sizes of the replies; the reply to transmit is followed by what the card answered when its rv is 0. */
export const replyBytes = {
  version: 12,
  establish: 12,
  readers: maxReaders * readerStateBytes,
  stopWaiting: 8,
  connect: 152,
  transmit: 32,
  disconnect: 12,
} as const

/** Return values that mean something to a person, or decide what to do next. */
export const returnValues = {
  success: 0,
  cancelled: 0x80100002,
  unknownReader: 0x80100009,
  sharingViolation: 0x8010000b,
  noCard: 0x8010000c,
  protocolMismatch: 0x8010000f,
  readerUnavailable: 0x80100017,
  noService: 0x8010001d,
  serviceStopped: 0x8010001e,
  unresponsiveCard: 0x80100066,
  unpoweredCard: 0x80100067,
  resetCard: 0x80100068,
  removedCard: 0x80100069,
  securityViolation: 0x8010006a,
} as const

export const shareMode = { exclusive: 1, shared: 2, direct: 3 } as const
export const cardProtocol = { t0: 1, t1: 2, any: 3 } as const
export const disposition = { leave: 0, reset: 1, unpower: 2 } as const

function message(command: number, ...fields: (number | Uint8Array)[]): Uint8Array {
  const body = fields.flatMap((field) => (typeof field === 'number' ? [...u32(field)] : [...field]))
  return Uint8Array.from([...u32(body.length), ...u32(command), ...body])
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

export function askVersion(major: number, minor: number): Uint8Array {
  return message(0x11, major, minor, 0)
}

/** Scope: the system. */
export function establish(): Uint8Array {
  return message(0x01, 2, 0, 0)
}

export const askReaders = message(0x12)
export const wait = message(0x13)
export const stopWaiting = message(0x14)

/** Throws a RangeError for a name no reader can have. */
export function connect(context: number, reader: string, share: number, protocols: number): Uint8Array {
  const name = new TextEncoder().encode(reader)
  if (name.length >= nameBytes) throw new RangeError('the name of a reader has at most 127 bytes')
  const padded = new Uint8Array(nameBytes)
  padded.set(name)
  return message(0x04, context, padded, share, protocols, 0, 0, 0)
}

/** The struct, and the command to the card after it. `protocol` is the active one that connect answered. */
export function transmit(card: number, protocol: number, command: Uint8Array): Uint8Array {
  const pciBytes = 16
  const struct = message(
    0x09,
    card,
    protocol,
    pciBytes,
    command.length,
    protocol,
    pciBytes,
    maxResponseBytes,
    0,
  )
  return Uint8Array.from([...struct, ...command])
}

/** A short APDU: 256 bytes and the status. */
const maxResponseBytes = 258

export function disconnect(card: number, how: number): Uint8Array {
  return message(0x06, card, how, 0)
}

/** The numbers of a reply of `size` bytes, each at its offset; undefined for a reply of another size. */
function numbersOf<Name extends string>(
  reply: Uint8Array,
  size: number,
  offsets: Record<Name, number>,
): Record<Name, number> | undefined {
  if (reply.length !== size) return undefined
  const view = new DataView(reply.buffer, reply.byteOffset, reply.byteLength)
  const read = Object.entries<number>(offsets).map(([name, offset]) => [name, view.getUint32(offset, true)])
  return Object.fromEntries(read) as Record<Name, number>
}

export function readVersion(reply: Uint8Array) {
  return numbersOf(reply, replyBytes.version, { major: 0, minor: 4, rv: 8 })
}

export function readEstablish(reply: Uint8Array) {
  return numbersOf(reply, replyBytes.establish, { context: 4, rv: 8 })
}

export function readConnect(reply: Uint8Array) {
  return numbersOf(reply, replyBytes.connect, { card: 140, protocol: 144, rv: 148 })
}

/** `responseBytes` follow, when rv is 0. */
export function readTransmit(reply: Uint8Array) {
  return numbersOf(reply, replyBytes.transmit, { responseBytes: 24, rv: 28 })
}

export function readDisconnect(reply: Uint8Array) {
  return numbersOf(reply, replyBytes.disconnect, { rv: 8 })
}

export function readStopWaiting(reply: Uint8Array) {
  return numbersOf(reply, replyBytes.stopWaiting, { rv: 4 })
}

/** Readers that are there, in the daemon's order; undefined for a reply of another size. */
export function readReaders(reply: Uint8Array): ReaderState[] | undefined {
  if (reply.length !== replyBytes.readers) return undefined
  return Array.from({ length: maxReaders }, (_, index) =>
    readReaderState(reply.subarray(index * readerStateBytes, (index + 1) * readerStateBytes)),
  ).filter(({ name }) => name !== '')
}

/** name[128], event counter, state, sharing, ATR[33] and three bytes of nothing, its length, protocol. */
function readReaderState(record: Uint8Array): ReaderState {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
  const name = record.subarray(0, nameBytes)
  const end = name.indexOf(0)
  const atrBytes = view.getUint32(176, true)
  return {
    name: new TextDecoder().decode(end === -1 ? name : name.subarray(0, end)),
    eventCounter: view.getUint32(128, true),
    isCardPresent: (view.getUint32(132, true) & present) !== 0,
    isLost: (view.getUint32(132, true) & unknown) !== 0,
    // A reader that is still starting has a length beyond any ATR.
    atr: record.slice(140, 140 + (atrBytes > maxAtrBytes ? 0 : atrBytes)),
  }
}
