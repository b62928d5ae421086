/** Why something a reader sent is no tap. Stable names: counters, logs and `status --json` hold them. */
export type RejectionCode =
  | 'frame-incomplete'
  | 'frame-too-long'
  | 'frame-garbled'
  | 'frame-checksum'
  /** A right frame that came once, from a reader that makes up right frames and repeats real ones. */
  | 'frame-unrepeated'
  | 'prefix-missing'
  /** An answer to a question of ours whose parts do not fit together. */
  | 'answer-malformed'
  /** The reader answered that it could not do what was asked. */
  | 'answer-failed'
  /** The reader says that more than one card lies there: which one is meant nobody knows. */
  | 'cards-several'
  | 'uid-empty'
  | 'uid-not-hex'
  | 'uid-odd-length'
  | 'uid-length'
  | 'uid-blank'
  | 'uid-not-decimal'
  | 'uid-out-of-range'
  | 'uid-parity'
  | 'uid-checksum'

export interface Rejection {
  code: RejectionCode
  /** Size of what was thrown away. The bytes themselves are never kept: they may be most of a UID. */
  bytes: number
}
