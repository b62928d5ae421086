import { getUid, readAtr, readUid } from '../codecs/pcsc-card.ts'
import { returnValues, type ReaderState } from '../codecs/pcscd.ts'
import type { CardFrame } from '../card-frame.ts'
import type { Rejection } from '../rejection.ts'
import { askCard, connectCard, disconnectCard, listReaders, type ConnectedCard } from '../transports/pcscd.ts'
import type { PcscdSocket } from '../transports/pcscd-socket.ts'

export interface CardDaemon {
  cards: PcscdSocket
  scope: number
  /** As it was found. */
  reader: ReaderState
}

/** Not final: the same card may answer the next time. */
export type UidAnswer = 'busy' | { card: CardFrame } | { rejected: Rejection; isFinal: boolean }

const noAnswer = { rejected: { code: 'answer-failed', bytes: 0 }, isFinal: false } as const

/** What is asked of the card on one reader: one question follows the other, in turns. */
export class CardQuestions {
  readonly #daemon: CardDaemon
  readonly #name: string
  #turn: Promise<unknown> = Promise.resolve()

  constructor(daemon: CardDaemon) {
    this.#daemon = daemon
    this.#name = daemon.reader.name
  }

  /** `card` is the one that was seen: another one is not asked. */
  askUid(card: ReaderState): Promise<UidAnswer> {
    return this.#inTurn(() => this.#askUid(card))
  }

  /** Sends a command of the reader itself. What it is, if any, is asked when its turn has come. */
  tell(command: () => Uint8Array | undefined): Promise<void> {
    return this.#inTurn(async () => {
      const bytes = command()
      if (bytes !== undefined) {
        await this.#withCard((connected) => askCard(this.#daemon.cards, connected, bytes))
      }
    })
  }

  /** When nothing is asked any more. */
  async over(): Promise<void> {
    await this.#turn
  }

  async #askUid(card: ReaderState): Promise<UidAnswer> {
    const { cards } = this.#daemon
    const answer = await this.#withCard(async (connected): Promise<UidAnswer> => {
      // Unless something has happened since, what is connected is the card that was seen and not the next one.
      const now = (await listReaders(cards)).find((reader) => reader.name === this.#name)
      if (now === undefined || !isSame(now, card)) return noAnswer
      const atr = readAtr(now.atr)
      if (atr.kind === 'contact') return { ...noAnswer, isFinal: true }
      const response = await askCard(cards, connected, getUid)
      if (response === undefined) return noAnswer
      const uid = readUid(response, atr)
      if ('code' in uid) return { rejected: { code: uid.code, bytes: response.length }, isFinal: false }
      return uid.card === null ? noAnswer : { card: uid.card }
    })
    if (typeof answer !== 'number') return answer
    return answer === returnValues.sharingViolation ? 'busy' : noAnswer
  }

  /** Answers the return value when the card could not be connected. */
  async #withCard<T>(use: (connected: ConnectedCard) => Promise<T>): Promise<T | number> {
    const { cards, scope } = this.#daemon
    const connected = await connectCard(cards, scope, this.#name)
    if ('failure' in connected) return connected.failure
    const result = await use(connected)
    await disconnectCard(cards, connected)
    return result
  }

  #inTurn<T>(use: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(use)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

/** The event counter tells two cards apart that were swapped between two looks. */
export function isSame(a: ReaderState, b: ReaderState): boolean {
  return a.eventCounter === b.eventCounter && a.isCardPresent === b.isCardPresent
}
