import { LineCodec } from '../codecs/line.ts'
import type { Feedback, ReaderDriver } from '../reader.ts'
import { MemoryTransport } from '../transports/memory.ts'
import {
  lineReaderOptions,
  lineShape,
  presenceShape,
  profileComplaint,
  profileFits,
  type LineReaderOptions,
} from './line-options.ts'
import { CodecSession } from './codec-session.ts'
import { driverOptions, optionHelp } from './option-text.ts'

const shape = { ...lineShape, ...presenceShape({ gapMs: 600, cooldownMs: 0 }) }

/**
 * A reader without hardware: cards and faults are played through `SimulatedDevices`. Its bytes take the way of
 * those of serial-line, so that a garbled or half line behaves the same.
 */
export const simulated: ReaderDriver<LineReaderOptions> = {
  name: 'simulated',
  summary: 'no hardware: cards are played with `vlt-agent reader simulate`; the path is any name',
  options: driverOptions(shape).refine(profileFits, profileComplaint).transform(lineReaderOptions),
  optionHelp: optionHelp(shape),

  discover: () => Promise.resolve([{ spec: 'simulated:lobby', description: 'simulated reader' }]),

  async open({ path, line }, { clock, trace, simulatedDevices }) {
    const end = line.terminator === 'lf' ? '\n' : line.terminator === 'crlf' ? '\r\n' : '\r'
    const encoder = new TextEncoder()
    let wire: MemoryTransport | undefined
    const session = await CodecSession.open(
      { clock, trace },
      new LineCodec(line),
      { removal: 'native' },
      (receiver) => {
        wire = new MemoryTransport(receiver)
        return wire
      },
    )
    simulatedDevices.attach(path, {
      frame: (text) => wire?.deliver(encoder.encode(line.prefix + text + line.suffix + end)),
      raw: (bytes) => wire?.deliver(bytes),
      removed: () => {
        session.removed()
      },
      fail: (error) => wire?.fail(error),
      closed: session.closed,
    })
    // Its only light: who watches the bytes sees them.
    return Object.assign(session, {
      feedback: (what: Feedback): void => {
        trace(encoder.encode(`${what}\r`), 'out')
      },
    })
  },
}
