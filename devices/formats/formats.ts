import { decimal10, decimal12, decimal13, decimal3x5, decimal5x5, decimal8 } from './decimal.ts'
import { hex, hex10, hex6, hexBcc, hexLast4 } from './hex.ts'
import type { NumberFormat } from './number-format.ts'
import { omnikey, omnikeyDecimal, twn3Hid, twn3Inditag } from './vendor.ts'
import { wiegand26, wiegand34, wiegand37 } from './wiegand.ts'

/** The only list of number formats, by the name that a reader's spec gives them. */
export const formats = {
  hex,
  'decimal-10': decimal10,
  'hex-10': hex10,
  'hex-last-4': hexLast4,
  'hex-bcc': hexBcc,
  'hex-6': hex6,
  'decimal-8': decimal8,
  'decimal-12': decimal12,
  'decimal-13': decimal13,
  'decimal-3-5': decimal3x5,
  'decimal-5-5': decimal5x5,
  'wiegand-26': wiegand26,
  'wiegand-34': wiegand34,
  'wiegand-37': wiegand37,
  'twn3-hid': twn3Hid,
  'twn3-inditag': twn3Inditag,
  omnikey,
  'omnikey-decimal': omnikeyDecimal,
} satisfies Record<string, NumberFormat>

export type FormatName = keyof typeof formats

export const formatNames = Object.keys(formats) as FormatName[]

/** A format by its name, without what is special to it. */
export function formatOf(name: FormatName): NumberFormat {
  return formats[name]
}
