/**
 * What in a read itself was checked. `checksum`, `parity`: the frame or the number carries one, and it is right.
 * `repeated`: a reader that makes up frames with a right checksum sent this one twice. `none`: nothing; the bytes
 * are believed.
 */
export type Proof = 'checksum' | 'parity' | 'repeated' | 'none'

/** What one frame can prove by itself. */
export type FrameProof = Exclude<Proof, 'repeated'>

/**
 * What the UID of a read is worth.
 *
 * - `stable`: the card's own number, whole.
 * - `random`: made up at this presentation (phones, some badges); it never comes again.
 * - `truncated`: a part of the card's number; two cards can share it.
 * - `ambiguous`: the frame can be read in more than one way, or the kind of card does not say which of the above.
 */
export type Identity = 'stable' | 'random' | 'truncated' | 'ambiguous'

/** How a card speaks, where its reader says so. `lf`: any 125 kHz card. */
export type Technology = 'lf' | 'iso14443a' | 'iso14443b' | 'iso15693' | 'felica'

/** One card as its reader sent it, out of its frame; not yet a UID. */
export interface CardFrame {
  /** `text`: as sent. `bytes`: upper-case hex of the bytes, two digits a byte, in the order sent. */
  payload: string
  /** Decimal formats read `text` only: the hex of five bytes may well be ten decimal digits. */
  form: 'text' | 'bytes'
  /** A codec of one frame says what that proves; only `ConfirmingCodec` says `repeated`. */
  proof: Proof
  /** The bytes are a number of so many bits, right-aligned. Absent: all of them count. */
  bits?: number
  technology?: Technology
  /** This kind of card makes up a 4-byte UID for every presentation, whatever that UID looks like. */
  isAnonymous?: true
}
