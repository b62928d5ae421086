/**
 * What a key types on a US keyboard (USB HID usage tables, keyboard page; reference: readers.md 1f). Wedge readers
 * press US positions: decoding them ourselves makes the layout of the operating system irrelevant.
 */

/** From usage 04 on. NUL: a key that no card number holds. Enter and Tab end a line. */
const plain = "abcdefghijklmnopqrstuvwxyz1234567890\r\0\0\r -=[]\\\0;'`,./"
const shifted = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ!@#$%^&*()\r\0\0\r _+{}|\0:"~<>?'
/** From usage 54 on; Shift changes none of them. */
const keypad = '/*-+\r1234567890.'

/** Caps Lock, Scroll Lock, Num Lock: a reader may press them, and they type nothing. */
const locks = [0x39, 0x47, 0x53]

/** One character, or none for a lock key. */
export function usCharacter(usage: number, isShifted: boolean): string {
  if (locks.includes(usage)) return ''
  const letters = isShifted ? shifted : plain
  return letters.charAt(usage - 0x04) || keypad.charAt(usage - 0x54) || '\0'
}
