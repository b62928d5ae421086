export interface BackOff {
  /** Ceiling of the first wait, in milliseconds. */
  baseMs: number
  /** Ceiling of every later wait, in milliseconds. */
  capMs: number
}

/**
 * Milliseconds to wait before attempt `failures + 1`: full jitter, so that a fleet that lost the same server
 * does not come back in step. `failures` counts from 1.
 */
export function fullJitterMs(backOff: BackOff, failures: number, random: () => number = Math.random): number {
  return random() * ceilingMs(backOff, failures)
}

/** The same growth, but within `spread` (0..1) of the ceiling: for a local device that nobody else waits for. */
export function jitteredMs(
  backOff: BackOff,
  failures: number,
  spread: number,
  random: () => number = Math.random,
): number {
  return ceilingMs(backOff, failures) * (1 - spread + 2 * spread * random())
}

function ceilingMs({ baseMs, capMs }: BackOff, failures: number): number {
  // The exponent is bounded so that years of failures stay a finite number.
  return Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 30))
}
