/** 7941W module for 13.56 MHz and 125 kHz on a serial port (reference: readers.md 1i). */
import { askLfId, askUid, moduleCodec, readModuleAnswer, type ModuleFrame } from '../codecs/module-7941w.ts'
import type { Profile } from '../normalise.ts'
import type { ReaderDriver } from '../reader.ts'
import { openSerial } from '../transports/serial.ts'
import { optionHelp } from './option-text.ts'
import { polledOptions, polledShape, type PolledReaderOptions } from './poll-options.ts'
import { PollSession, type Look, type PollProtocol, type Wire } from './poll-session.ts'

/** It answers within 100 ms (msmidik/7941w_raspberry). */
const answerMs = 300
const frameOverheadBytes = 6

type Question = Parameters<typeof readModuleAnswer>[1]

/** The answer does not say what was asked; the two kinds of id differ in length, so a late one is not mistaken. */
async function lookFor(wire: Wire<ModuleFrame>, what: Question): Promise<Look | undefined> {
  const frame = await wire.ask(what === 'uid' ? askUid : askLfId, answerMs, (answer) => answer)
  if (frame === undefined) return undefined
  const answer = readModuleAnswer(frame, what)
  if ('card' in answer) return answer
  return { rejected: { code: answer.code, bytes: frame.data.length + frameOverheadBytes } }
}

export function moduleProtocol({ cards }: Profile): PollProtocol<ModuleFrame> {
  const questions: Question[] = cards === 'lf' ? ['lf-id'] : ['uid', 'lf-id']
  return {
    device: '7941W',
    codec: moduleCodec(),

    // It knows no question about itself: a right frame is all that can be told.
    start: async (wire) => (await wire.ask(askUid, answerMs, (frame) => frame)) !== undefined,

    async look(wire) {
      const looks: Look[] = []
      for (const what of questions) {
        const look = await lookFor(wire, what)
        // A card that was found counts, but only whole answers say that there is none.
        if (look === undefined)
          return looks.some((found) => 'card' in found && found.card) ? looks : undefined
        looks.push(look)
      }
      return looks
    },
  }
}

const shape = polledShape({ baudRate: 115_200 })

export const module7941w: ReaderDriver<PolledReaderOptions> = {
  name: '7941w',
  summary: '7941W module, 13.56 MHz and 125 kHz, on a serial port; the path is a device',
  options: polledOptions(shape),
  optionHelp: optionHelp(shape),

  // Only asking would tell which serial port has one, and a port that nobody named is never written to.
  discover: () => Promise.resolve([]),

  open(options, context) {
    const { clock, signal } = context
    return PollSession.open(context, moduleProtocol(options.profile), options, (receiver) =>
      openSerial(options.serial, [], receiver, clock, signal),
    )
  },
}
