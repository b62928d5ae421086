/** What the operator's area shows; the page imports these types too. No name, document or whole card number. */

export type ReaderLine = { at: string; reader: string } & (
  | { what: 'tap'; card: string; worth: string }
  | { what: 'rejected'; code: string }
  | { what: 'state'; state: string; code: string | null }
)

export interface ReaderTest {
  reader: string
  taps: number
  of: number
}

export interface TestResult {
  at: string
  verdict: 'good' | 'bad'
  problems: ('random' | 'uids-differ' | 'worth-differs')[]
  notes: ('truncated' | 'ambiguous' | 'rejected')[]
}

export interface OperatorView {
  readers: {
    id: string
    state: string
    fault: { code: string; hint: string } | null
    lastTapAt: string | null
  }[]
  lines: readonly ReaderLine[]
  test: ReaderTest | null
  results: Readonly<Record<string, TestResult>>
  queue: {
    pending: number
    delivered: number
    deadLetters: number
    oldestPendingSeconds: number | null
    /** Those with a failure, newest first: dead letters, and those that are tried again. */
    failures: {
      code: string
      state: 'pending' | 'dead'
      attempts: number
      createdAt: string
      error: string
      hint: string
    }[]
  }
  server: {
    url: string | null
    state: string
    lastSuccessAt: string | null
    error: string | null
    hint: string | null
  }
  clock: { now: string; timeZone: string; isSynchronised: boolean }
  versions: { agent: string; page: string; node: string }
  /** Where the diagnostic bundle is that was just written. */
  bundle: string | null
  volume: number
  brightness: number | null
}
