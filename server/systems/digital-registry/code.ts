import { randomInt } from 'node:crypto'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const length = 13

/** A Codigo: 13 of [A-Z0-9], some 67 bits. `randomInt` draws from the system's CSPRNG without modulo bias. */
export function createCode(): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}
