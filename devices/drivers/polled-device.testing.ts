import { constants, openSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ReadStream } from 'node:tty'
import { PseudoTerminal } from '../transports/pseudo-terminal.testing.ts'

/** What lies on a reader. */
export interface Field {
  /** What a look for a 13.56 MHz card finds now. */
  look(): string | undefined
  /** The 125 kHz card that lies there. */
  readonly lfCard: string | undefined
}

/** What makes the device one kind of reader. Bytes are upper-case hex throughout. */
export interface Personality {
  /** The first whole request in `pending`, and what is left behind it; undefined: none yet. */
  next(pending: string): { request: string; rest: string } | undefined
  /** What it answers, in one piece; empty: nothing. */
  answer(request: string, field: Field): string
  /** The power comes on: everything is as in the factory. */
  reset(): void
}

/** A reader that is asked, as a process on the far end of a pseudo-terminal, with everything that can go wrong. */
export class PolledDevice implements Field, AsyncDisposable {
  readonly line: PseudoTerminal
  /** Every request it got while it listened. */
  readonly asked: string[] = []
  /** Looks for a card it answered. */
  looks = 0
  /** The cards that lie there. */
  card: string | undefined
  lfCard: string | undefined
  /** What is asked is not heard. */
  isDeaf = false
  /** Every other look finds nothing. */
  isFlickering = false
  /** Before every answer, in milliseconds. */
  answerDelayMs = 0
  /** Bytes between pauses of 3 ms; 0: the whole answer at once. */
  pieceBytes = 0
  /** What it really sends instead of an answer. */
  distort: (answer: string, request: string) => string = (answer) => answer
  readonly #personality: Personality
  readonly #visitors: { card: string; isHalf: boolean; gone: () => void }[] = []
  #listening: ReadStream | undefined
  #pending = ''
  #answering: Promise<void> = Promise.resolve()

  private constructor(line: PseudoTerminal, personality: Personality) {
    this.line = line
    this.#personality = personality
    this.#listen()
  }

  static async create(personality: Personality): Promise<PolledDevice> {
    return new PolledDevice(await PseudoTerminal.create(), personality)
  }

  /** A card is there for one look. */
  async visit(card: string): Promise<void> {
    await new Promise<void>((gone) => {
      this.#visitors.push({ card, isHalf: false, gone })
    })
  }

  /** A card is there for one look, whose answer breaks off in the middle. */
  async visitHalf(card: string): Promise<void> {
    await new Promise<void>((gone) => {
      this.#visitors.push({ card, isHalf: true, gone })
    })
  }

  look(): string | undefined {
    this.looks += 1
    if (this.isFlickering && this.looks % 2 === 0) return undefined
    return this.#visitors[0]?.card ?? this.card
  }

  async unplug(): Promise<void> {
    this.#listening?.destroy()
    this.#listening = undefined
    await this.line.unplug()
  }

  async replug(): Promise<void> {
    await this.line.replug()
    this.powerCycle()
    this.#listen()
  }

  /** It starts again, and the line stays. */
  powerCycle(): void {
    this.#pending = ''
    this.#personality.reset()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unplug()
    await this.#answering
    await this.line[Symbol.asyncDispose]()
  }

  #listen(): void {
    const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK
    this.#listening = new ReadStream(openSync(this.line.farPath, flags))
    this.#listening.on('data', (bytes: Buffer) => {
      if (this.isDeaf) return
      this.#pending += bytes.toString('hex').toUpperCase()
      this.#answerAll()
    })
    // The line hangs up when it is unplugged.
    this.#listening.on('error', () => undefined)
  }

  #answerAll(): void {
    for (;;) {
      const next = this.#personality.next(this.#pending)
      if (next === undefined) return
      this.#pending = next.rest
      this.asked.push(next.request)
      const visitor = this.#visitors[0]
      const answer = this.distort(this.#personality.answer(next.request, this), next.request)
      const isTaken = visitor !== undefined && answer.includes(asSent(visitor.card, answer))
      if (isTaken) this.#visitors.shift()
      const sent = isTaken && visitor.isHalf ? answer.slice(0, 2 * Math.floor(answer.length / 4)) : answer
      this.#answering = this.#answering.then(async () => {
        // An unplug in the middle of it is a hang-up.
        await this.#send(sent).catch(() => undefined)
        if (isTaken) visitor.gone()
      })
    }
  }

  async #send(hex: string): Promise<void> {
    if (this.answerDelayMs > 0) await delay(this.answerDelayMs)
    const size = this.pieceBytes === 0 ? hex.length : 2 * this.pieceBytes
    for (let start = 0; start < hex.length; start += size) {
      if (start > 0) await delay(3)
      await this.line.write(Buffer.from(hex.slice(start, start + size), 'hex'))
    }
  }
}

/** A card as it stands in an answer: its bytes, or their digits as text. */
function asSent(card: string, answer: string): string {
  return answer.includes(card) ? card : hexOf(card)
}

export function hexOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex').toUpperCase()
}

function bytesOf(hex: string): number[] {
  return [...Buffer.from(hex, 'hex')]
}

function byte(value: number): string {
  return (value & 0xff).toString(16).padStart(2, '0').toUpperCase()
}

const pn532Ack = '0000FF00FF00'

/** The chip as UM0701-02 describes it, with the answers of readers.md 1d. */
export class Pn532Personality implements Personality {
  #isAwake = false
  #isConfigured = false
  #retries = 0xff
  #isFieldOn = false
  #isSelected = false
  #isWaiting = false
  /** A phone makes up a number whenever it enters the field. */
  isPhone = false
  /** Lies beside the card. */
  secondCard: string | undefined
  #phoneEntries = 0

  reset(): void {
    this.#isAwake = false
    this.#isConfigured = false
    this.#retries = 0xff
    this.#isFieldOn = false
    this.#isWaiting = false
  }

  next(received: string): { request: string; rest: string } | undefined {
    // Asleep it hears nothing but the wake-up.
    const pending = this.#isAwake ? received : received.slice(received.search(/5555|$/))
    this.#isAwake ||= pending !== ''
    const found = /0000FF(..)(..)/.exec(pending)
    const [head, lengthHex = '', checkHex = ''] = found ?? []
    if (found === null || head === undefined) return undefined
    if (lengthHex + checkHex === '00FF') {
      const end = found.index + pn532Ack.length
      return pending.length < end ? undefined : { request: 'ACK', rest: pending.slice(end) }
    }
    const end = found.index + head.length + 2 * (parseInt(lengthHex, 16) + 2)
    if (pending.length < end) return undefined
    return { request: pending.slice(found.index, end), rest: pending.slice(end) }
  }

  answer(request: string, field: Field): string {
    if (request === 'ACK') {
      this.#isWaiting = false
      return ''
    }
    // Waiting for a card it takes nothing but an ACK.
    if (this.#isWaiting) return ''
    if (request === '0000FF03FDD414011700') {
      this.#isConfigured = true
      return `${pn532Ack}0000FF02FED5151600`
    }
    if (!this.#isConfigured) return ''
    switch (request) {
      case '0000FF02FED4022A00':
        return `${pn532Ack}0000FF06FAD50332010607E800`
      case '0000FF04FCD4320100F900':
        this.#isFieldOn = false
        return `${pn532Ack}0000FF02FED533F800`
      case '0000FF04FCD44A0200E000':
        return pn532Ack + this.#list(field)
    }
    const retries = /^0000FF06FAD43205FF01(..)..00$/.exec(request)?.[1]
    if (retries === undefined) return '0000FF01FF7F8100'
    this.#retries = parseInt(retries, 16)
    return `${pn532Ack}0000FF02FED533F800`
  }

  #list(field: Field): string {
    if (!this.#isFieldOn) {
      this.#isSelected = false
      this.#phoneEntries += 1
    }
    this.#isFieldOn = true
    // A card that is selected already does not hear the call.
    const card = this.#isSelected ? undefined : field.look()
    if (card === undefined) {
      this.#isWaiting = this.#retries === 0xff
      return this.#isWaiting ? '' : '0000FF03FDD54B00E000'
    }
    this.#isSelected = true
    const uid = this.isPhone ? `08${byte(this.#phoneEntries)}D0A1` : card
    if (this.secondCard === undefined) return pn532Answer(`4B01${target(1, uid)}`)
    return pn532Answer(`4B02${target(1, uid)}${target(2, this.secondCard)}`)
  }
}

function target(number: number, uid: string): string {
  return `${byte(number)}${uid.length > 8 ? '004218' : '000408'}${byte(uid.length / 2)}${uid}`
}

/** The frame of an answer. */
export function pn532Answer(data: string): string {
  const content = `D5${data}`
  const length = content.length / 2
  const total = bytesOf(content).reduce((sum, value) => sum + value, 0)
  return `0000FF${byte(length)}${byte(-length)}${content}${byte(-total)}00`
}

export const twn4Version = 'TWN4/B1.50/CCB4.02/PRS1.04'

/** Simple Protocol, with the replies of readers.md 1h; everything travels as ASCII. */
export class Twn4Personality implements Personality {
  version = twn4Version

  reset(): void {
    // It keeps nothing.
  }

  next(pending: string): { request: string; rest: string } | undefined {
    const found = /^((?:..)*?)0D/.exec(pending)
    if (found === null) return undefined
    const [whole, text = ''] = found
    return { request: Buffer.from(text, 'hex').toString('latin1'), rest: pending.slice(whole.length) }
  }

  answer(request: string, field: Field): string {
    return hexOf(`${this.#reply(request, field)}\r`)
  }

  #reply(request: string, field: Field): string {
    if (request === '0004FF') return `00${byte(this.version.length)}${hexOf(this.version)}`
    if (request === '050010') {
      const card = field.look()
      return card === undefined ? '0000' : `000180${byte(card.length * 4)}${byte(card.length / 2)}${card}`
    }
    return /^(0501|0407.{14}|041[0-3]..)$/.test(request) ? '00' : '01'
  }
}

/** The module of readers.md 1i. */
export class Module7941wPersonality implements Personality {
  reset(): void {
    // It keeps nothing.
  }

  next(pending: string): { request: string; rest: string } | undefined {
    const start = pending.indexOf('ABBA')
    if (start === -1 || pending.length < start + 12) return undefined
    return { request: pending.slice(start, start + 12), rest: pending.slice(start + 12) }
  }

  answer(request: string, field: Field): string {
    switch (request) {
      case 'ABBA00100010':
        return module7941wAnswer(field.look())
      case 'ABBA00150015':
        return module7941wAnswer(field.lfCard)
    }
    return ''
  }
}

export function module7941wAnswer(id: string | undefined): string {
  const content = id === undefined ? '008000' : `0081${byte(id.length / 2)}${id}`
  return `CDDC${content}${byte(bytesOf(content).reduce((check, value) => check ^ value, 0))}`
}
