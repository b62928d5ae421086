/** Why something a reader sent is no tap. Stable names: counters, logs and `status --json` hold them. */
export type RejectionCode =
  | 'frame-incomplete'
  | 'frame-too-long'
  | 'frame-garbled'
  | 'prefix-missing'
  | 'uid-empty'
  | 'uid-not-hex'
  | 'uid-odd-length'
  | 'uid-length'
  | 'uid-blank'
  | 'uid-not-decimal'
  | 'uid-out-of-range'

export interface Rejection {
  code: RejectionCode
  /** Size of what was thrown away. The bytes themselves are never kept: they may be most of a UID. */
  bytes: number
}
