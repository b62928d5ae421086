import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { hexBytes, toHex, xor } from '../codecs/bytes.ts'
import type { CardScript } from './virtual-pcscd.testing.ts'

/** CCID messages (Device Class Specification for USB Chip/Smart Card Devices, 6.1 and 6.2), to the reader and back. */
const types = {
  powerOn: 0x62,
  slotStatus: 0x65,
  powerOff: 0x63,
  parameters: 0x61,
  exchange: 0x6f,
  escape: 0x6b,
}
const replies = { dataBlock: 0x80, slotStatus: 0x81, parameters: 0x82, escape: 0x83 }
const headerBytes = 10
const noCard = { status: 0x42, error: 0xfe }

/**
 * A GemPC Twin, on a pseudo-terminal: a reader whose real driver (libccid) runs in a real pcscd. Its frames are
 * 03 06, a CCID message and the XOR of all of it; it echoes what it is told. A card in it speaks T=1.
 */
export class VirtualGemPc implements AsyncDisposable {
  readonly path: string
  readonly #folder: string
  readonly #server: Server
  #socat: ChildProcess | undefined
  #exited: Promise<unknown> = Promise.resolve()
  card: CardScript | undefined

  private constructor(folder: string) {
    this.#folder = folder
    this.path = join(folder, 'reader')
    this.#server = createServer((socket) => {
      this.#serve(socket)
    })
  }

  static async create(): Promise<VirtualGemPc> {
    const reader = new VirtualGemPc(await mkdtemp(join(tmpdir(), 'vlt-gempc-')))
    reader.#server.listen(0, '127.0.0.1')
    await once(reader.#server, 'listening')
    const { port } = reader.#server.address() as AddressInfo
    const ends = [`pty,raw,echo=0,link=${reader.path}`, `tcp:127.0.0.1:${String(port)}`]
    reader.#socat = spawn('socat', ends, { stdio: 'ignore' })
    reader.#exited = once(reader.#socat, 'exit')
    while ((await stat(reader.path).catch(() => undefined)) === undefined) await delay(5)
    return reader
  }

  async unplug(): Promise<void> {
    this.#socat?.kill('SIGKILL')
    await this.#exited
    await rm(this.path, { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unplug()
    this.#server.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #serve(socket: Socket): void {
    let unread: Buffer = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      unread = Buffer.concat([unread, bytes])
      while (unread.length >= 2 + headerBytes) {
        const end = 2 + headerBytes + unread.readUInt32LE(3) + 1
        if (unread.length < end) return
        socket.write(unread.subarray(0, end))
        const message = unread.subarray(2, end - 1)
        unread = unread.subarray(end)
        const frame = Buffer.concat([Uint8Array.of(0x03, 0x06), this.#answer(message)])
        socket.write(Uint8Array.of(...frame, xor(frame)))
      }
    })
  }

  #answer(message: Buffer): Buffer {
    const data = message.subarray(headerBytes)
    const { card } = this
    const reply = (
      type: number,
      given: Uint8Array,
      { status, error } = { status: card ? 0 : 2, error: 0 },
    ): Buffer => {
      const header = Buffer.alloc(headerBytes)
      header[0] = type
      header.writeUInt32LE(given.length, 1)
      header.set([message[5] ?? 0, message[6] ?? 0, status, error], 5)
      return Buffer.concat([header, given])
    }
    const nothing = new Uint8Array()
    switch (message[0] ?? 0) {
      case types.powerOn:
        return card ? reply(replies.dataBlock, hexBytes(card.atr)) : reply(replies.dataBlock, nothing, noCard)
      case types.exchange:
        return card
          ? reply(replies.dataBlock, exchange(card, data))
          : reply(replies.dataBlock, nothing, noCard)
      case types.parameters:
        return reply(replies.parameters, data)
      case types.escape:
        return reply(replies.escape, data[0] === 0x02 ? Buffer.from('GemTwin-V2.00') : Uint8Array.of(0x01))
      case types.slotStatus:
      case types.powerOff:
        return reply(replies.slotStatus, nothing)
      default:
        throw new Error(`no CCID message ${String(message[0])}`)
    }
  }
}

/** What a card that speaks T=1 (ISO 7816-3) answers to a block; the choice of protocol before is echoed. */
function exchange(card: CardScript, block: Buffer): Uint8Array {
  const [address = 0, control = 0] = block
  if (address === 0xff) return block
  const isInformation = (control & 0x80) === 0
  const said = isInformation
    ? hexBytes(card.answer(toHex(block.subarray(3, -1))) ?? '')
    : block.subarray(3, -1)
  const answer = Uint8Array.of(address, isInformation ? control : control | 0x20, said.length, ...said)
  return Uint8Array.of(...answer, xor(answer))
}
