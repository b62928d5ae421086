/** Calendar days of Guatemala as `YYYY-MM-DD`: in that form their order is the order of the texts. */

export const timeZone = 'America/Guatemala'

const dayMs = 24 * 60 * 60 * 1000

// Sweden writes its dates as ISO does.
const isoDay = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' })

/** The day there at an instant (ISO 8601). */
export function dayAt(instant: string): string {
  return isoDay.format(new Date(instant))
}

export function daysBefore(day: string, days: number): string {
  return new Date(Date.parse(day) - days * dayMs).toISOString().slice(0, 10)
}

export function daysFrom(day: string, later: string): number {
  return (Date.parse(later) - Date.parse(day)) / dayMs
}

const spanish = new Intl.DateTimeFormat('es-GT', { timeZone: 'UTC', dateStyle: 'long' })

/** `2025-12-31` -> `31 de diciembre de 2025`. */
export function inSpanish(day: string): string {
  return spanish.format(new Date(day))
}
