import { LineCodec } from '../codecs/line.ts'
import { wholeNumber } from '../../shared/config.ts'
import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { DiscoveredDevice, ReaderDriver } from '../reader.ts'
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

  discover: () => discoverSerial('/dev'),

  open({ serial, line }, { clock, signal, trace }) {
    const frameEnds = { any: [cr, lf], cr: [cr], lf: [lf], crlf: [lf] }[line.terminator]
    return CodecSession.open({ clock, trace }, new LineCodec(line), { removal: 'inferred' }, (receiver) =>
      openSerial(serial, frameEnds, receiver, clock, signal),
    )
  },
}

/**
 * Serial devices under `devFolder`, each once, by the name that is most likely still its own tomorrow: its make and
 * serial number, else the USB port it is plugged into, else its number. Reads folders only: SerialPort.list() runs
 * udevadm, fails where there is none, and lists no by-path names.
 */
export async function discoverSerial(devFolder: string): Promise<DiscoveredDevice[]> {
  const byId = await entries(join(devFolder, 'serial/by-id'))
  const byPath = await entries(join(devFolder, 'serial/by-path'))
  const numbered = (await entries(devFolder)).filter((path) => /\/tty(USB|ACM)\d+$/.test(path))

  const found = new Map<string, DiscoveredDevice>()
  for (const path of [...byId, ...byPath, ...numbered]) {
    const device = await realpath(path).catch(() => undefined)
    if (device === undefined || found.has(device)) continue
    found.set(device, { spec: `serial-line:${path}`, description: `serial port ${device}` })
  }
  return [...found.values()]
}

/** A folder that is not there has no entries: udev creates it with the first device. */
async function entries(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.sort().map((name) => join(folder, name))
}
