import type { z } from 'zod'
import { wholeNumber } from '../../shared/config.ts'
import { formatNames, formatOf } from '../formats/formats.ts'
import type { Profile } from '../normalise.ts'
import type { ReaderOptions } from '../reader.ts'
import type { SerialLine } from '../transports/serial.ts'
import { lineShape, profileComplaint, profileFits } from './line-options.ts'
import { choice, driverOptions } from './option-text.ts'
import type { PollOptions } from './poll-session.ts'

export interface PolledReaderOptions extends ReaderOptions, PollOptions {
  serial: SerialLine
}

/** These readers answer bytes, which are no decimal digits. */
const byteFormats = formatNames.filter((name) => formatOf(name).base !== 10)

interface FlatOptions extends Profile, PollOptions {
  path: string
  baudRate: number
  presenceGapMs: number
  cooldownMs: number
}

/** Options of every reader on a serial port that is asked for its card. The descriptions are the documentation. */
export function polledShape(defaults: { baudRate: number }) {
  const { byteOrder, uidBytes, cards } = lineShape
  return {
    baudRate: wholeNumber(300, 921_600)
      .default(defaults.baudRate)
      .describe(`300..921600 baud, always 8N1; default ${String(defaults.baudRate)}`),
    format: choice(...byteFormats)
      .default('hex')
      .describe(`${byteFormats.join(' | ')}; default hex, all bytes (docs/readers.md)`),
    byteOrder,
    uidBytes,
    cards,
    pollMs: wholeNumber(125, 1_000)
      .default(150)
      .describe('125..1000 ms; default 150: from one look to the next'),
    presenceGapMs: wholeNumber(200, 60_000)
      .default(600)
      .describe(
        '200..60000 ms; default 600: a card has left this long after its last read, and three looks in vain',
      ),
    cooldownMs: wholeNumber(0, 600_000)
      .default(1_500)
      .describe('0..600000 ms; default 1500: the same card is no new tap this long after it left'),
  }
}

export function polledOptions(shape: ReturnType<typeof polledShape>): z.ZodType<PolledReaderOptions> {
  return driverOptions(shape).refine(profileFits, profileComplaint).transform(polledReaderOptions)
}

function polledReaderOptions(flat: FlatOptions): PolledReaderOptions {
  const { path, baudRate, format, byteOrder, uidBytes, cards, pollMs, presenceGapMs, cooldownMs } = flat
  return {
    path,
    profile: { format, byteOrder, uidBytes, cards },
    presenceGapMs,
    cooldownMs,
    pollMs,
    serial: { path, baudRate, dataBits: 8, stopBits: 1, parity: 'none' },
  }
}
