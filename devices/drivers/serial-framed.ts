import { z } from 'zod'
import { wholeNumber } from '../../shared/config.ts'
import type { Codec } from '../codecs/codec.ts'
import { ConfirmingCodec } from '../codecs/confirming.ts'
import { framedCodec, frameProfileNames, frameProfiles, type FrameProfileName } from '../codecs/framed.ts'
import { formatNames, formatOf, type FormatName } from '../formats/formats.ts'
import type { ReaderDriver, ReaderOptions } from '../reader.ts'
import { openSerial, type SerialLine } from '../transports/serial.ts'
import { CodecSession } from './codec-session.ts'
import { lineShape, presenceShape } from './line-options.ts'
import { choice, driverOptions, optionHelp } from './option-text.ts'

export interface SerialFramedOptions extends ReaderOptions {
  serial: SerialLine
  frames: { profile: FrameProfileName; idleResetMs: number }
}

/** RDM6300 repeats a card that lies there every tenth of a second or so; ghosts are not known to repeat at all. */
const confirmWithinMs = 500

/** What five bytes can mean; the first is what they mean when nobody says. */
const fiveByteFormats = ['hex-10', 'hex', 'hex-last-4'] as const satisfies FormatName[]

const { byteOrder, uidBytes, cards } = lineShape
const shape = {
  profile: choice(...frameProfileNames).describe(
    `${frameProfileNames.join(' | ')}; no default: which reader it is`,
  ),
  baudRate: wholeNumber(300, 921_600)
    .optional()
    .describe('300..921600 baud, 8N1; default 9600, with parallax 2400'),
  format: choice(...formatNames)
    .optional()
    .describe(
      `${fiveByteFormats.join(' | ')}; default hex-10, all five bytes; with idteck any format and no default (docs/readers.md)`,
    ),
  byteOrder,
  uidBytes,
  cards,
  idleResetMs: wholeNumber(50, 60_000)
    .optional()
    .describe('50..60000 ms; default 50, with parallax 100: a frame that stops for this long is given up'),
  ...presenceShape({ gapMs: 600, cooldownMs: 1_500 }),
}

const flatOptions = driverOptions(shape)
type Flat = z.output<typeof flatOptions>

/** Fills in what the profile decides, or complains about what would refuse every card of it. */
function resolve(flat: Flat, context: z.RefinementCtx): SerialFramedOptions {
  const { path, profile } = flat
  const { baudRate, idleResetMs, payload } = frameProfiles[profile]
  const format = flat.format ?? (payload === 'bytes' ? fiveByteFormats[0] : undefined)
  const complain = (option: string, message: string): never => {
    context.addIssue({ code: 'custom', path: [option], message })
    return z.NEVER
  }
  if (format === undefined) {
    return complain('format', `must be given with profile=${profile}: the reader is set to one of several`)
  }
  const formats: readonly FormatName[] = payload === 'bytes' ? fiveByteFormats : formatNames
  if (!formats.includes(format)) {
    return complain('format', `must be one of ${formats.join(', ')} with profile=${profile}`)
  }
  const only = payload === 'bytes' && format === 'hex' ? 5 : formatOf(format).uidBytes
  if (only !== undefined && flat.uidBytes !== undefined && flat.uidBytes !== only) {
    return complain('uidBytes', `must be ${String(only)}, or left out, with format=${format}`)
  }
  return {
    path,
    profile: { format, byteOrder: flat.byteOrder, uidBytes: flat.uidBytes, cards: flat.cards },
    presenceGapMs: flat.presenceGapMs,
    cooldownMs: flat.cooldownMs,
    serial: { path, baudRate: flat.baudRate ?? baudRate, dataBits: 8, stopBits: 1, parity: 'none' },
    frames: { profile, idleResetMs: flat.idleResetMs ?? idleResetMs },
  }
}

/** A fresh codec, for one session. */
export function serialFramedCodec({ frames, presenceGapMs }: SerialFramedOptions): Codec {
  const codec = framedCodec(frames.profile, frames.idleResetMs)
  if (!frameProfiles[frames.profile].makesGhosts) return codec
  return new ConfirmingCodec(codec, { withinMs: confirmWithinMs, keptMs: presenceGapMs })
}

/**
 * 125 kHz modules that send each card as a frame over a UART (reference: readers.md 1b; codecs/framed.ts names each
 * one's document). Removal is inferred: RDM6300 repeats the frame while the card lies there, the others may send it once.
 */
export const serialFramed: ReaderDriver<SerialFramedOptions> = {
  name: 'serial-framed',
  summary:
    '125 kHz modules that send frames on a serial port: RDM6300, ID-2LA to ID-20LA, Parallax, 7941E, IDTECK',
  options: flatOptions.transform(resolve),
  optionHelp: optionHelp(shape),

  // A port does not tell which reader is behind it, and the ports themselves are listed by serial-line.
  discover: () => Promise.resolve([]),

  open(options, { clock, signal, trace }) {
    const { frameEnds } = frameProfiles[options.frames.profile]
    return CodecSession.open(
      { clock, trace },
      serialFramedCodec(options),
      { removal: 'inferred' },
      (receiver) => openSerial(options.serial, frameEnds, receiver, clock, signal),
    )
  },
}
