import { LineCodec } from '../codecs/line.ts'
import { wholeNumber } from '../../shared/config.ts'
import type { ReaderDriver } from '../reader.ts'
import { openSerial, type SerialLine } from '../transports/serial.ts'
import {
  lineReaderOptions,
  lineShape,
  presenceShape,
  profileComplaint,
  profileFits,
  type LineReaderOptions,
} from './line-options.ts'
import { CodecSession } from './codec-session.ts'
import { choice, driverOptions, optionHelp } from './option-text.ts'
import { discoverSerial } from './serial-ports.ts'

export interface SerialLineOptions extends LineReaderOptions {
  serial: SerialLine
}

const shape = {
  baudRate: wholeNumber(300, 921_600).default(9_600).describe('300..921600 baud; default 9600'),
  dataBits: choice('7', '8')
    .transform((text) => (text === '7' ? 7 : 8))
    .default(8)
    .describe('7 | 8; default 8'),
  stopBits: choice('1', '2')
    .transform((text) => (text === '1' ? 1 : 2))
    .default(1)
    .describe('1 | 2; default 1'),
  parity: choice('none', 'even', 'odd').default('none').describe('none | even | odd; default none'),
  ...lineShape,
  ...presenceShape({ gapMs: 600, cooldownMs: 1_500 }),
}

const options = driverOptions(shape)
  .refine(profileFits, profileComplaint)
  .transform((flat): SerialLineOptions => {
    const { path, baudRate, dataBits, stopBits, parity } = flat
    return { ...lineReaderOptions(flat), serial: { path, baudRate, dataBits, stopBits, parity } }
  })

const cr = 0x0d
const lf = 0x0a

/**
 * Desk readers that send each card as a line of text over USB-CDC or a USB-UART bridge (reference: readers.md 1a).
 * Removal is inferred: some repeat the line while the card lies there, some send it once.
 */
export const serialLine: ReaderDriver<SerialLineOptions> = {
  name: 'serial-line',
  summary: 'one line of text per card on a serial port; the path is a device, best from /dev/serial/by-id',
  options,
  optionHelp: optionHelp(shape),

  discover: () => discoverSerial({ dev: '/dev', sysfs: '/sys' }),

  open({ serial, line }, { clock, signal, trace }) {
    const frameEnds = { any: [cr, lf], cr: [cr], lf: [lf], crlf: [lf] }[line.terminator]
    return CodecSession.open({ clock, trace }, new LineCodec(line), { removal: 'inferred' }, (receiver) =>
      openSerial(serial, frameEnds, receiver, clock, signal),
    )
  },
}
