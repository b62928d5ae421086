/** Elatec TWN4 with the Simple Protocol firmware, on USB-CDC or RS-232 (reference: readers.md 1h). */
import type { CardFrame } from '../card-frame.ts'
import { LineCodec } from '../codecs/line.ts'
import {
  beep,
  getVersionString,
  led,
  readTag,
  readVersionString,
  searchTag,
  setRfOff,
} from '../codecs/twn4.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Feedback, ReaderDriver } from '../reader.ts'
import { openSerial } from '../transports/serial.ts'
import { optionHelp } from './option-text.ts'
import { polledOptions, polledShape, type PolledReaderOptions } from './poll-options.ts'
import { PollSession, type PollProtocol, type Wire } from './poll-session.ts'

/** More than any UID has. A longer id comes cut, and then its length and its bit count do not fit: it is refused. */
const maxIdBytes = 16
/** A version of 255 bytes, two digits each, and what is before it. */
const maxLineBytes = 514
const probeMs = 300
/** It looks for one kind of card after the other. */
const searchMs = 1_000
const briefMs = 500
/** Lights are on this long, in milliseconds. */
const litMs = 1_000

const red = 1
const green = 2

const looksAndSounds: Record<Feedback, { light: number; sound: string }> = {
  accepted: { light: green, sound: beep(60, 2_400, 60, 0) },
  refused: { light: red, sound: beep(60, 1_200, 250, 0) },
}

export function twn4Protocol(clock: Clock): PollProtocol<CardFrame> {
  let litUntilMs: number | undefined

  /** The reply, whatever it is. */
  const ask = (wire: Wire<CardFrame>, request: string, answerMs: number): Promise<string | undefined> =>
    wire.ask(new TextEncoder().encode(request), answerMs, ({ payload }) => payload)

  return {
    device: 'TWN4',
    codec: new LineCodec({
      terminator: 'cr',
      prefix: '',
      suffix: '',
      maxBytes: maxLineBytes,
      idleResetMs: 100,
    }),

    async start(wire) {
      // Replies to requests of before do not read as a version, and are passed over.
      const request = new TextEncoder().encode(getVersionString)
      const version = await wire.ask(request, probeMs, ({ payload }) => readVersionString(payload))
      return version !== undefined
    },

    async look(wire) {
      const line = await ask(wire, searchTag(maxIdBytes), searchMs)
      if (line === undefined) return undefined
      const answer = readTag(line)
      return ['card' in answer ? answer : { rejected: { code: answer.code, bytes: line.length } }]
    },

    async rest(wire) {
      // The next search finds every card anew, and the antenna stays cool.
      await ask(wire, setRfOff, briefMs)
      if (litUntilMs === undefined || clock.monoMs() < litUntilMs) return
      litUntilMs = undefined
      await ask(wire, led('off', red | green), briefMs)
    },

    async show(wire, what) {
      const { light, sound } = looksAndSounds[what]
      litUntilMs = clock.monoMs() + litMs
      for (const request of [led('init', red | green), led('on', light), sound]) {
        // One without a LED or a beeper says that it failed, which takes nothing away.
        await ask(wire, request, briefMs)
      }
    },
  }
}

const shape = polledShape({ baudRate: 9_600 })

export const twn4: ReaderDriver<PolledReaderOptions> = {
  name: 'twn4',
  summary: 'Elatec TWN4 with Simple Protocol firmware; the path is a device, best from /dev/serial/by-id',
  options: polledOptions(shape),
  optionHelp: optionHelp(shape),

  // Only asking would tell which serial port has one, and a port that nobody named is never written to.
  discover: () => Promise.resolve([]),

  open(options, context) {
    const { clock, signal } = context
    return PollSession.open(context, twn4Protocol(clock), options, (receiver) =>
      openSerial(options.serial, [], receiver, clock, signal),
    )
  },
}
