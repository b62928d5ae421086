import { plainDni } from '../registration.ts'

// Always as many, so that they tell no length.
const dots = '•••'
const shortestWithEnd = 6

/** Enough of a name to recognise one's own: the first letter of each part, for the eye and as a list to be read out. */
export function maskedName(name: string): { shown: string; initials: string } {
  const letters = name.split(/\s+/).map((part) => Array.from(part)[0] ?? '')
  return { shown: letters.map((letter) => letter + dots).join(' '), initials: letters.join(', ') }
}

/** The last two signs of a document number, or undefined for one so short that they would tell too much. */
export function documentEnd(dni: string): string | undefined {
  const signs = Array.from(plainDni(dni))
  return signs.length < shortestWithEnd ? undefined : signs.slice(-2).join('')
}
