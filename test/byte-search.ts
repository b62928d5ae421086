/** Looks for texts of people in bytes, in every form in which a program may have left them there. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A short form would be found in any file of random bytes. */
const shortest = 6

/** UTF-8 and UTF-16 in the usual cases, escaped, hex, base64 at each alignment, and the bytes that hex or digits stand for. */
export function formsOf(text: string): Buffer[] {
  const cases = [text, text.toLowerCase(), text.toUpperCase()]
  const forms = cases.flatMap((spelled) => {
    const utf8 = Buffer.from(spelled)
    return [
      utf8,
      Buffer.from(spelled, 'utf16le'),
      Buffer.from(spelled, 'latin1'),
      Buffer.from(escaped(spelled)),
      Buffer.from(encodeURIComponent(spelled)),
      Buffer.from(utf8.toString('hex')),
      Buffer.from(utf8.toString('hex').toUpperCase()),
      ...[0, 1, 2].flatMap((offset) => base64At(utf8, offset)),
    ]
  })
  if (/^(?:[0-9a-f]{2})+$/i.test(text)) {
    const bytes = Buffer.from(text, 'hex')
    const reversed = Buffer.from(bytes.toReversed())
    forms.push(bytes, reversed, Buffer.from(reversed.toString('hex').toUpperCase()))
    forms.push(
      Buffer.from(text.replaceAll(/(..)(?=.)/g, '$1:')),
      Buffer.from(text.replaceAll(/(..)(?=.)/g, '$1 ')),
    )
  }
  if (/^\d{6,19}$/.test(text)) {
    const number = Buffer.alloc(8)
    number.writeBigInt64BE(BigInt(text))
    forms.push(number, Buffer.from(number.toReversed()))
  }
  return forms.filter((form) => form.length >= shortest)
}

/** What base64 makes of the text wherever it stands in what is encoded, without the letters it shares with others. */
function base64At(text: Buffer, offset: number): Buffer[] {
  const encoded = Buffer.concat([Buffer.alloc(offset), text]).toString('base64url')
  const own = encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + text.length) * 8) / 6))
  return [Buffer.from(own), Buffer.from(own.replaceAll('-', '+').replaceAll('_', '/'))]
}

function escaped(text: string): string {
  return text.replaceAll(
    /[^\x20-\x7e]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The texts that stand in `bytes`. */
export function textsIn(bytes: Buffer, texts: readonly string[]): string[] {
  return texts.filter((text) => formsOf(text).some((form) => bytes.includes(form)))
}

/** `file: text` for every text that stands in a file of this folder, or in a file's name. */
export function textsInFolder(folder: string, texts: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const bytes = entry.isFile() ? readFileSync(join(entry.parentPath, entry.name)) : Buffer.alloc(0)
    const found = textsIn(Buffer.concat([Buffer.from(`${entry.name}\n`), bytes]), texts)
    return found.map((text) => `${entry.name}: ${text}`)
  })
}
