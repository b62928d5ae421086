/**
 * The six letters on the screen: the first six hex digits of a registration's id, in letters that are no hex digits
 * and that nobody takes for a number. So a code and the start of an id are never mistaken for each other.
 */
const letters = 'GHJKLMNPQRTVWXYZ'
const hex = '0123456789abcdef'

export const codeLength = 6

export function receiptCode(id: string): string {
  return Array.from(id.slice(0, codeLength), (digit) => letters[hex.indexOf(digit)]).join('')
}

/** The start of the id that a code stands for; what is no code comes back as it is, in lower case. */
export function idOfCode(text: string): string {
  const upper = text.toUpperCase()
  const isCode = Array.from(upper).every((letter) => letters.includes(letter))
  return isCode ? Array.from(upper, (letter) => hex[letters.indexOf(letter)]).join('') : text.toLowerCase()
}
