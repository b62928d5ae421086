/** Forms of text that more than one document asks for. */

const atom = String.raw`[\p{L}\p{M}\p{N}!#$%&'*+/=?^_\x60{|}~-]+`
const label = String.raw`[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?`

/** A mailbox that mail can reach: RFC 5321 without quoted names, at a domain with a dot; letters of any script. */
export const reachableMailbox = new RegExp(
  String.raw`^(?=.{1,64}@)${atom}(?:\.${atom})*@(?:${label}\.)+(?!\d+$)${label}$`,
  'u',
)

const clockTime = String.raw`[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:0\d|1[0-4]):?[0-5]\d)?`
const dayAndTime = new RegExp(String.raw`^(\d{4}-\d{2}-\d{2})(?:${clockTime})?$`)

/**
 * The day of an ISO 8601 date, alone or with a time: `YYYY-MM-DD`, kept as written and never shifted. Undefined for
 * what is no such date, or a day that no calendar has.
 */
export function isoDay(text: string): string | undefined {
  const day = dayAndTime.exec(text)?.[1]
  if (day === undefined || day.startsWith('0000')) return undefined
  const real = new Date(`${day}T00:00:00Z`)
  // What does not exist has become another day, or none.
  return !Number.isNaN(real.getTime()) && real.toISOString().startsWith(day) ? day : undefined
}
