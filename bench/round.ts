export interface Round {
  perSecond: number
  p50Ms: number
  p99Ms: number
}

/** One side of a comparison: does its work once and answers how fast it was. */
export type Side = () => Promise<Round> | Round

export function summarize(latenciesMs: number[], elapsedMs: number): Round {
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
  return { perSecond: (sorted.length * 1000) / elapsedMs, p50Ms: at(0.5), p99Ms: at(0.99) }
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
