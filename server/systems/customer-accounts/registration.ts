/**
 * What the server knows of an address on its way to an account, and what that allows. Pure: times in, times out.
 *
 * - A code lives 10 minutes and takes 5 guesses. A code sent while the one before it lives takes its place and its
 *   used guesses: sending again gives no new ones. Once the 5 are used nothing is sent until that code is over, so
 *   nobody gets a code that cannot work.
 * - 10 guesses of an address may fail within any 24 hours, whatever codes, restarts, instances and client addresses
 *   there are. Of a million codes a guesser so gets at 10 a day: 1e-5. A guess counts as failed before anybody looks
 *   whether it is right; being right takes that back.
 * - 60 seconds lie between two sends, and an hour has at most 5.
 *
 * All of it counts alike for addresses that nobody has asked a code for and for those that have an account.
 */
export interface Registration {
  /** ISO 8601, oldest first, of the last hour. */
  sentAt: string[]
  /** ISO 8601, oldest first, of the last day. */
  failedAt: string[]
  code?: {
    /** Keyed hash of address and code. */
    index: string
    expiresAt: string
    guesses: number
  }
  /** Proof that somebody reads the mails of this address; good for one account. */
  ticket?: {
    /** Keyed hash of address and ticket. */
    index: string
    /** Keyed hash of address and client network; null where the network was not known. */
    network: string | null
    expiresAt: string
    /** Accounts refused because somebody else has the document number. */
    conflicts: number
  }
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

export const codeMinutes = 10
const guessesPerCode = 5
const failuresPerDay = 10
const sendsPerHour = 5
const ticketMinutes = 30
// A person mistypes a number once or twice; more is somebody who asks whose numbers are known here.
const conflictsPerTicket = 5

export const unknownAddress: Registration = { sentAt: [], failedAt: [] }

/** How long the next code has to wait, in milliseconds. */
export function sendWaitMs({ sentAt, failedAt, code }: Registration, now: string): number {
  return Math.max(
    waitMs(sentAt, 1, minute, now),
    waitMs(sentAt, sendsPerHour, hour, now),
    waitMs(failedAt, failuresPerDay, day, now),
    isLive(code, now) && code.guesses >= guessesPerCode ? msBetween(now, code.expiresAt) : 0,
  )
}

export function withCode(known: Registration, index: string, now: string): Registration {
  const guesses = isLive(known.code, now) ? known.code.guesses : 0
  return {
    ...known,
    sentAt: [...within(known.sentAt, hour, now), now].sort(),
    code: { index, expiresAt: later(now, codeMinutes * minute), guesses },
  }
}

/** How long the next guess has to wait, in milliseconds. */
export function guessWaitMs({ failedAt }: Registration, now: string): number {
  return waitMs(failedAt, failuresPerDay, day, now)
}

/** One more guess, failed until it is seen to be right; `counts` tells whether it may be compared at all. */
export function withGuess(known: Registration, now: string): { known: Registration; counts: boolean } {
  const failedAt = [...within(known.failedAt, day, now), now].sort()
  const { code } = known
  if (!isLive(code, now) || code.guesses >= guessesPerCode) {
    return { known: { ...known, failedAt }, counts: false }
  }
  return { known: { ...known, failedAt, code: { ...code, guesses: code.guesses + 1 } }, counts: true }
}

/** Takes back a guess of that time which did not fail after all. */
export function withoutFailure(known: Registration, at: string): Registration {
  const place = known.failedAt.indexOf(at)
  return place < 0 ? known : { ...known, failedAt: known.failedAt.toSpliced(place, 1) }
}

/** The code is used up; the ticket takes the place of an earlier one. */
export function withTicket(
  { code: _used, ...known }: Registration,
  ticket: { index: string; network: string | null },
  now: string,
): Registration {
  return { ...known, ticket: { ...ticket, expiresAt: later(now, ticketMinutes * minute), conflicts: 0 } }
}

/** Once the account is there neither code nor ticket is good for another one. */
export function withAccount({ sentAt, failedAt }: Registration): Registration {
  return { sentAt, failedAt }
}

/** The ticket stays for the corrected number, but not for a list of numbers. */
export function withConflict(known: Registration): Registration {
  const { ticket, ...rest } = known
  if (ticket === undefined) return known
  const conflicts = ticket.conflicts + 1
  return conflicts < conflictsPerTicket ? { ...rest, ticket: { ...ticket, conflicts } } : rest
}

export function isLive<T extends { expiresAt: string }>(proof: T | undefined, now: string): proof is T {
  const leftMs = proof === undefined ? 0 : msBetween(now, proof.expiresAt)
  // Nothing lives that long: the clock was set back.
  return leftMs > 0 && leftMs < hour
}

/** From then on nothing of it matters any more. */
export function forgetAt({ sentAt, failedAt, code, ticket }: Registration): string {
  const ends = [
    ...sentAt.map((at) => later(at, hour)),
    ...failedAt.map((at) => later(at, day)),
    code?.expiresAt ?? '',
    ticket?.expiresAt ?? '',
  ]
  return ends.sort().at(-1) ?? ''
}

/** Until fewer than `max` of the times lie within the window; never longer than the window itself. */
function waitMs(times: string[], max: number, windowMs: number, now: string): number {
  const recent = within(times, windowMs, now)
  const oldest = recent.at(-max)
  return oldest === undefined ? 0 : Math.min(windowMs, msBetween(now, later(oldest, windowMs)))
}

/** Times a little ahead are those of another instance; a window ahead, the clock was set back. */
function within(times: string[], windowMs: number, now: string): string[] {
  return times.filter((at) => Math.abs(msBetween(at, now)) < windowMs)
}

function msBetween(from: string, to: string): number {
  return Date.parse(to) - Date.parse(from)
}

function later(at: string, ms: number): string {
  return new Date(Date.parse(at) + ms).toISOString()
}
