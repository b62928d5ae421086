import { hexBytes, toHex } from '../codecs/bytes.ts'
import { keyboardWithFeature, type FakeHidModel } from '../transports/hid.testing.ts'

/** A pcProx that is played: what lies on it, and what is wrong with it. */
export class PlayedPcprox {
  /** Hex of the card as a person writes it. */
  card: string | undefined
  /** Each is there for one question. */
  readonly visitors: string[] = []
  /** So many questions to come are refused. */
  refusing = 0
  /** What it sends instead of its answer to a question that starts with this code. */
  readonly distorted = new Map<number, Uint8Array>()
  readonly asked: string[] = []
  /** What it sends instead of its next answers. */
  garbage: Uint8Array[] = []
  /** It answers for the data of a card and then no more. */
  breaksOff = false
  #shown: string | undefined

  readonly model = (given: Partial<FakeHidModel> = {}): FakeHidModel => ({
    id: '0C27:3BFA',
    name: 'RFIDeas USB Keyboard',
    descriptor: keyboardWithFeature,
    answer: (request) => this.answer(request),
    ...given,
  })

  answer(request: Uint8Array): Uint8Array {
    if (this.refusing > 0) {
      this.refusing -= 1
      throw new Error('could not get feature report from device: ioctl (GFEATURE): Connection timed out')
    }
    this.asked.push(toHex(request))
    const code = request[1] ?? 0
    return this.garbage.shift() ?? this.distorted.get(code) ?? Uint8Array.of(0, ...this.#eightBytes(code))
  }

  #eightBytes(code: number): Uint8Array {
    if (code === 0x8a) return hexBytes('0000 03 07 00 3412 00')
    if (code === 0x8f) {
      this.#shown = this.visitors.shift() ?? this.card
      return hexBytes((this.#shown ?? '').padStart(16, '0')).toReversed()
    }
    if (this.breaksOff)
      throw new Error('could not get feature report from device: ioctl (GFEATURE): Broken pipe')
    return Uint8Array.of((this.#shown ?? '').length * 4, 0, 0, 0, 0, 0, 0, 0)
  }
}
