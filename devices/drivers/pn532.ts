/** NXP PN532 on its serial line, HSU (UM0701-02; reference: readers.md 1d). */
import {
  getFirmwareVersion,
  inListPassiveTarget,
  isDone,
  limitRetries,
  readFirmwareVersion,
  readTarget,
  rfFieldOff,
  samConfiguration,
  wakeUp,
} from '../codecs/pn532.ts'
import { ack, pn532Codec, type Pn532Frame } from '../codecs/pn532-frame.ts'
import type { ReaderDriver } from '../reader.ts'
import { openSerial } from '../transports/serial.ts'
import { optionHelp } from './option-text.ts'
import { polledOptions, polledShape, type PolledReaderOptions } from './poll-options.ts'
import { PollSession, type Look, type PollProtocol, type Wire } from './poll-session.ts'

/** A card has to wake in the field; then a few tries more, so that one that answers late is not missed. */
const retries = 5
/** The chip acknowledges within 15 ms; looking takes a few milliseconds a try. */
const answerMs = 300
const errorFrameBytes = 8
/** What a PN532 says that it is; its relatives answer the same commands otherwise. */
const pn532Ic = 0x32

const command = { samConfiguration: 0x14, getFirmwareVersion: 0x02, rfConfiguration: 0x32, inList: 0x4a }

type Reply = { data: Uint8Array } | 'again' | 'error'

/** Only what follows the ACK answers this command: an answer from before can look the same. */
function replyTo(code: number): (frame: Pn532Frame) => Reply | undefined {
  let isTaken = false
  return (frame) => {
    switch (frame.kind) {
      case 'ack':
        isTaken = true
        return undefined
      case 'nack':
        return 'again'
      case 'error':
        return 'error'
      case 'answer':
        return isTaken && frame.data[0] === code + 1 ? { data: frame.data } : undefined
    }
  }
}

async function tell(wire: Wire<Pn532Frame>, request: Uint8Array, code: number): Promise<Reply | undefined> {
  const reply = await wire.ask(request, answerMs, replyTo(code))
  return reply === 'again' ? wire.ask(request, answerMs, replyTo(code)) : reply
}

async function isDoneBy(wire: Wire<Pn532Frame>, request: Uint8Array, code: number): Promise<boolean> {
  const reply = await tell(wire, request, code)
  return typeof reply === 'object' && isDone(reply.data, code)
}

export function pn532Protocol(): PollProtocol<Pn532Frame> {
  return {
    device: 'PN532',
    codec: pn532Codec(),

    async start(wire) {
      // The ACK ends what the chip may still be at; the wake-up is for one that sleeps, since it had no power.
      const first = Uint8Array.from([...ack, ...wakeUp, ...samConfiguration()])
      if (!(await isDoneBy(wire, first, command.samConfiguration))) return false
      const reply = await tell(wire, getFirmwareVersion(), command.getFirmwareVersion)
      const version = typeof reply === 'object' ? readFirmwareVersion(reply.data) : undefined
      if (version?.ic !== pn532Ic) return false
      return isDoneBy(wire, limitRetries(retries), command.rfConfiguration)
    },

    async look(wire): Promise<Look[] | undefined> {
      const reply = await tell(wire, inListPassiveTarget(), command.inList)
      if (reply === undefined || reply === 'again') return undefined
      if (reply === 'error') return [{ rejected: { code: 'answer-failed', bytes: errorFrameBytes } }]
      const answer = readTarget(reply.data)
      return ['card' in answer ? answer : { rejected: { code: answer.code, bytes: reply.data.length } }]
    },

    /**
     * A card that has been selected answers no second call until the field was off (ISO 14443-3, state ACTIVE), and
     * the antenna stays cool.
     */
    async rest(wire) {
      await tell(wire, rfFieldOff(), command.rfConfiguration)
    },
  }
}

const shape = polledShape({ baudRate: 115_200 })

export const pn532: ReaderDriver<PolledReaderOptions> = {
  name: 'pn532',
  summary: 'NXP PN532 on a serial port (HSU); the path is a device, best from /dev/serial/by-id',
  options: polledOptions(shape),
  optionHelp: optionHelp(shape),

  // Only asking would tell which serial port has one, and a port that nobody named is never written to.
  discover: () => Promise.resolve([]),

  open(options, context) {
    const { clock, signal } = context
    return PollSession.open(context, pn532Protocol(), options, (receiver) =>
      openSerial(options.serial, [], receiver, clock, signal),
    )
  },
}
