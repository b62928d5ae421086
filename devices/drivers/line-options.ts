import { wholeNumber } from '../../shared/config.ts'
import { z } from 'zod'
import type { LineCodecOptions } from '../codecs/line.ts'
import { formatNames, formatOf } from '../formats/formats.ts'
import type { Profile } from '../normalise.ts'
import type { ReaderOptions } from '../reader.ts'
import { choice } from './option-text.ts'

export interface LineReaderOptions extends ReaderOptions {
  line: LineCodecOptions
}

/** What starts or ends a frame; control characters are written %02. */
const fixedText = z
  .string()
  .max(32, 'must be 32 characters or fewer')
  .regex(/^[^\r\n]*$/, 'must not hold CR or LF: that is the terminator')

/** Options of every reader that sends lines. The descriptions are the documentation. */
export const lineShape = {
  format: choice(...formatNames)
    .default('hex')
    .describe(`${formatNames.join(' | ')}; default hex: how the reader writes a UID (docs/readers.md)`),
  byteOrder: choice('as-sent', 'reversed')
    .default('as-sent')
    .describe('as-sent | reversed; default as-sent: reversed turns the bytes round'),
  uidBytes: wholeNumber(4, 10)
    .optional()
    .describe('4..10; default any: exact length; set it where all cards are alike, it refuses damaged lines'),
  cards: choice('any', 'lf')
    .optional()
    .describe(
      'any | lf; default any: lf where only 125 kHz cards are read, of which none makes up its number',
    ),
  terminator: choice('any', 'cr', 'lf', 'crlf')
    .default('any')
    .describe('any | cr | lf | crlf; default any: what ends a line'),
  prefix: fixedText.default('').describe('text, control characters as %02; default none: starts every line'),
  suffix: fixedText.default('').describe('text, control characters as %03; default none: ends every line'),
  maxBytes: wholeNumber(8, 4096).default(128).describe('8..4096 bytes; default 128: longest line'),
  idleResetMs: wholeNumber(50, 60_000)
    .default(200)
    .describe('50..60000 ms; default 200: a line that stops for this long is given up'),
}

/** Options of presence; the defaults depend on whether the reader says that a card has left. */
export function presenceShape(defaults: { gapMs: number; cooldownMs: number }) {
  return {
    presenceGapMs: wholeNumber(0, 60_000)
      .default(defaults.gapMs)
      .describe(
        `0..60000 ms; default ${String(defaults.gapMs)}: a card lies there until this long after its last line`,
      ),
    cooldownMs: wholeNumber(0, 600_000)
      .default(defaults.cooldownMs)
      .describe(
        `0..600000 ms; default ${String(defaults.cooldownMs)}: the same card is no new tap this long after it left`,
      ),
  }
}

interface FlatOptions extends LineCodecOptions, Profile {
  path: string
  presenceGapMs: number
  cooldownMs: number
}

/** From the flat form of a spec to the parts that each stage takes. */
export function lineReaderOptions(flat: FlatOptions): LineReaderOptions {
  const { terminator, prefix, suffix, maxBytes, idleResetMs } = flat
  const { format, byteOrder, uidBytes, cards } = flat
  return {
    path: flat.path,
    profile: { format, byteOrder, uidBytes, cards },
    presenceGapMs: flat.presenceGapMs,
    cooldownMs: flat.cooldownMs,
    line: { terminator, prefix, suffix, maxBytes, idleResetMs },
  }
}

/** Any other length than that of the format would refuse every card. */
export function profileFits({ format, uidBytes }: Profile): boolean {
  const only = formatOf(format).uidBytes
  return only === undefined || uidBytes === undefined || uidBytes === only
}

export const profileComplaint = {
  path: ['uidBytes'],
  error: ({ input }: { input: unknown }) => {
    const { format } = input as Profile
    return `must be ${String(formatOf(format).uidBytes)}, or left out, with format=${format}`
  },
}
