import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hexBytes, toHex } from '../codecs/bytes.ts'
import { replyBytes, returnValues } from '../codecs/pcscd.ts'

export const commands = {
  establish: 0x01,
  connect: 0x04,
  disconnect: 0x06,
  transmit: 0x09,
  version: 0x11,
  readers: 0x12,
  wait: 0x13,
  stopWaiting: 0x14,
} as const

export type CommandName = keyof typeof commands

/** Instead of the right answer: other bytes, none, the end of the connection, or one return value in the right one. */
export type Misbehaviour = Uint8Array | 'silence' | 'hang-up' | { rv: number }

interface FakeReader {
  eventCounter: number
  isLost: boolean
  card?: FakeCard
}

export interface FakeCard {
  atr: string
  /** What it answers to a command, as hex, with the status. */
  answer: (command: string) => string
}

const atrOffset = 140

/**
 * A daemon that speaks pcscd's protocol and does, when told, what a real one cannot be made to do. Its readers,
 * cards and event counters are those of pcscd; nothing in it is polled.
 */
export class FakePcscd implements AsyncDisposable {
  readonly socket: string
  /** What was asked, in order. */
  readonly asked: string[] = []
  /** What cards were told, in order. */
  readonly told: string[] = []
  readonly #folder: string
  readonly #readers = new Map<string, FakeReader>()
  readonly #connections = new Set<Socket>()
  readonly #waiting = new Set<Socket>()
  readonly #misbehaviours = new Map<CommandName, { how: Misbehaviour; times: number }>()
  readonly #heard: (() => void)[] = []
  #server: Server | undefined
  /** Its protocol; a daemon takes no client with another, unless it is lenient. */
  minor = 4
  major = 4
  isLenient = true
  /** Called before a card is connected. */
  beforeConnect: () => void = () => undefined

  private constructor(folder: string) {
    this.#folder = folder
    this.socket = join(folder, 'pcscd.comm')
  }

  static async create(...readers: string[]): Promise<FakePcscd> {
    const daemon = new FakePcscd(await mkdtemp(join(tmpdir(), 'vlt-fake-pcscd-')))
    for (const name of readers) daemon.plugIn(name)
    await daemon.start()
    return daemon
  }

  async start(): Promise<void> {
    this.#server = createServer((socket) => {
      this.#serve(socket)
    }).listen(this.socket)
    await once(this.#server, 'listening')
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server?.listening !== true) return
    server.close()
    for (const socket of this.#connections) socket.destroy()
    await once(server, 'close')
  }

  /** Answers this to that question, the next `times`, then the right thing again. */
  misbehave(at: CommandName, how: Misbehaviour, times = Infinity): void {
    this.#misbehaviours.set(at, { how, times })
  }

  behave(): void {
    this.#misbehaviours.clear()
  }

  /** Resolves when this has been asked (from now on), or a card told. */
  async hears(what: string): Promise<void> {
    const isHeard = (): boolean =>
      this.asked.slice(asked).includes(what) || this.told.slice(told).includes(what)
    const [asked, told] = [this.asked.length, this.told.length]
    while (!isHeard()) {
      await new Promise<void>((resolve) => {
        this.#heard.push(resolve)
      })
    }
  }

  plugIn(name: string): void {
    this.#readers.set(name, { eventCounter: 0, isLost: false })
    this.changed()
  }

  pullOut(name: string): void {
    this.#readers.delete(name)
    this.changed()
  }

  /** The driver of the reader gets no answer any more. */
  lose(name: string, isLost = true): void {
    this.#reader(name).isLost = isLost
    this.changed()
  }

  insert(name: string, card: FakeCard): void {
    const reader = this.#reader(name)
    reader.card = card
    reader.eventCounter += 1
    this.changed()
  }

  remove(name: string): void {
    const reader = this.#reader(name)
    delete reader.card
    reader.eventCounter += 1
    this.changed()
  }

  /** One card goes and another comes, between two looks. */
  swap(name: string, card: FakeCard): void {
    const reader = this.#reader(name)
    reader.card = card
    reader.eventCounter += 2
    this.changed()
  }

  /** Tells whoever waits. */
  changed(): void {
    for (const socket of this.#waiting) socket.write(words(0, 0))
    this.#waiting.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #serve(socket: Socket): void {
    let unread: Buffer = Buffer.alloc(0)
    const cards = new Map<number, { name: string; card: FakeCard }>()
    this.#connections.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#connections.delete(socket)
      this.#waiting.delete(socket)
    })
    socket.on('data', (bytes) => {
      unread = Buffer.concat([unread, bytes])
      while (unread.length >= 8) {
        const command = unread.readUInt32LE(4)
        let end = 8 + unread.readUInt32LE(0)
        if (command === commands.transmit && unread.length >= end) end += unread.readUInt32LE(8 + 12)
        if (unread.length < end) return
        const body = Buffer.from(unread.subarray(8, end))
        unread = unread.subarray(end)
        this.#answer(socket, command, body, cards)
      }
    })
  }

  #answer(
    socket: Socket,
    command: number,
    body: Buffer,
    cards: Map<number, { name: string; card: FakeCard }>,
  ): void {
    const name = (Object.keys(commands) as CommandName[]).find((key) => commands[key] === command)
    if (name === undefined) throw new Error(`no command ${String(command)}`)
    const misbehaviour = this.#misbehaviours.get(name)
    const right = this.#reply(socket, name, body, cards)
    if (misbehaviour === undefined || misbehaviour.times === 0) socket.write(right)
    else {
      misbehaviour.times -= 1
      const { how } = misbehaviour
      if (how === 'hang-up') socket.destroy()
      else if (how instanceof Uint8Array) socket.write(how)
      else if (how !== 'silence') socket.write(withReturnValue(name, right, how.rv))
    }
    this.asked.push(name)
    for (const wake of this.#heard.splice(0)) wake()
  }

  #reply(
    socket: Socket,
    command: CommandName,
    body: Buffer,
    cards: Map<number, { name: string; card: FakeCard }>,
  ): Uint8Array {
    switch (command) {
      case 'version': {
        const isTaken =
          this.isLenient || (body.readUInt32LE(0) === this.major && body.readUInt32LE(4) === this.minor)
        return words(this.major, this.minor, isTaken ? 0 : returnValues.serviceStopped)
      }
      case 'establish':
        return words(2, 0xcafe, 0)
      case 'readers':
        return this.#states()
      case 'wait':
        this.#waiting.add(socket)
        return this.#states()
      case 'stopWaiting':
        // Nothing more is said to who was told of a change already.
        return this.#waiting.delete(socket) ? words(0, 0) : new Uint8Array()
      case 'connect': {
        this.beforeConnect()
        const name = body.subarray(4, body.indexOf(0, 4)).toString()
        const card = this.#readers.get(name)?.card
        if (card === undefined) body.writeUInt32LE(returnValues.noCard, 148)
        else {
          const handle = 100 + cards.size
          cards.set(handle, { name, card })
          body.writeUInt32LE(handle, 140)
          body.writeUInt32LE(2, 144)
        }
        return body
      }
      case 'transmit': {
        const connected = cards.get(body.readUInt32LE(0))
        const struct = body.subarray(0, replyBytes.transmit)
        const isThere = connected !== undefined && this.#readers.get(connected.name)?.card === connected.card
        if (!isThere) {
          struct.writeUInt32LE(returnValues.removedCard, 28)
          return struct
        }
        const told = toHex(body.subarray(replyBytes.transmit))
        const answer = hexBytes(connected.card.answer(told))
        this.told.push(told)
        struct.writeUInt32LE(answer.length, 24)
        return Buffer.concat([struct, answer])
      }
      case 'disconnect':
        cards.delete(body.readUInt32LE(0))
        return body
    }
  }

  #states(): Uint8Array {
    const reply = Buffer.alloc(replyBytes.readers)
    let offset = 0
    for (const [name, { eventCounter, isLost, card }] of this.#readers) {
      const atr = hexBytes(card?.atr ?? '')
      reply.write(name, offset)
      reply.writeUInt32LE(eventCounter, offset + 128)
      reply.writeUInt32LE(isLost ? 0x01 : card === undefined ? 0x02 : 0x34, offset + 132)
      reply.set(atr, offset + atrOffset)
      reply.writeUInt32LE(atr.length, offset + 176)
      offset += replyBytes.readers / 16
    }
    return reply
  }

  #reader(name: string): FakeReader {
    const reader = this.#readers.get(name)
    if (reader === undefined) throw new Error(`there is no reader ${name}`)
    return reader
  }
}

/** A card with a UID, of the kind that its ATR says. */
export function fakeCard(uid: string, atr = '3B8F8001804F0CA000000306030001000000006A'): FakeCard {
  return { atr, answer: (command) => (command === 'FFCA000000' ? `${uid}9000` : '6D00') }
}

export function words(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer)
}

/** It is the last of every struct; what a card said follows only when it is 0. */
function withReturnValue(command: CommandName, reply: Uint8Array, rv: number): Uint8Array {
  const struct = Buffer.from(command === 'transmit' ? reply.subarray(0, replyBytes.transmit) : reply)
  struct.writeUInt32LE(rv, struct.length - 4)
  return struct
}
