import type { FrameProof, Technology } from '../card-frame.ts'
import type { RejectionCode } from '../rejection.ts'

/** A payload read as one format says. */
export interface CardNumber {
  /** Hex of whole bytes, upper case, in the order sent; three bytes where the format has no more. */
  hex: string
  /** The card's own number has more bytes than these. */
  isTruncated: boolean
  /** What the number itself carries and was found right. */
  proof: FrameProof
  /** Only cards of this kind have such a number. */
  technology?: Technology
}

/** One way of writing a card's number. Pure. */
export interface NumberFormat {
  /** For people: what it looks like. */
  meaning: string
  /** Digits of which base: decimal ones are read from text only, never from bytes that look like them. */
  base: 10 | 16
  /** How long its UIDs are, in bytes, where that is always the same. */
  uidBytes?: number
  /** `bits`: the payload is a number of so many, right-aligned; only readers that say so have it. */
  read(payload: string, bits?: number): CardNumber | { code: RejectionCode }
}
