/** Upper-case hex, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase()
}

/** Bytes of text that is nothing but hex digits, two a byte; undefined for anything else. */
export function fromHex(text: string): Uint8Array | undefined {
  if (!/^([0-9A-Fa-f]{2})*$/.test(text)) return undefined
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16))
}

/** Bytes of hex that is written in the program itself. */
export function hexBytes(text: string): Uint8Array {
  const bytes = fromHex(text.replaceAll(' ', ''))
  if (bytes === undefined) throw new RangeError(`'${text}' is not hex`)
  return bytes
}

/** The check byte of most of these readers; of bytes and their check byte together it is 0. */
export function xor(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum ^ byte, 0)
}
