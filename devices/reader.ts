import type { z } from 'zod'
import type { CardUid } from '../shared/card-uid.ts'
import type { Clock } from '../shared/clock.ts'
import type { AppError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { CardFrame, Identity, Proof } from './card-frame.ts'
import type { SimulatedDevices } from './drivers/simulated-devices.ts'
import type { Profile } from './normalise.ts'
import type { Rejection } from './rejection.ts'

// They live in a file of their own because normalise and the codecs need them and this file needs normalise.
export type { Rejection, RejectionCode } from './rejection.ts'

/** What an open reader says. */
export type ReaderEvent =
  /** One whole frame, without prefix, suffix and terminator; not yet a UID. */
  | ({ type: 'frame'; receivedAtMonoMs: number } & CardFrame)
  /** The card has left; only readers whose `removal` is `native` say so. */
  | { type: 'removed'; receivedAtMonoMs: number }
  /** The reader was asked and saw no card; only readers whose `removal` is `polled` say so, each time. */
  | { type: 'missed'; receivedAtMonoMs: number }
  /** Something is wrong with a reader that reads all the same (`reader-leaking`); null: no longer. */
  | { type: 'fault'; fault: AppError | null }
  | ({ type: 'rejected' } & Rejection)

export interface ReaderCapabilities {
  /**
   * How it shows that a card has left. `native`: the reader says so. `polled`: it answers time and again that it
   * sees none. `inferred`: it speaks only of cards that are there, and falls silent.
   */
  removal: 'native' | 'polled' | 'inferred'
}

/** What became of a card, for the reader's own lights and sounds. */
export type Feedback = 'accepted' | 'refused'

/** An open reader: one session, from open to unplug or dispose. */
export interface Reader extends AsyncDisposable {
  readonly capabilities: ReaderCapabilities
  /**
   * The one stream of this session. Ends when the reader is disposed, throws an AppError with a `reader-…` code
   * when it is unplugged or fails. May be called once.
   */
  events(): AsyncIterable<ReaderEvent>
  /** Shows it now or not at all; absent where the reader has neither light nor sound. Never throws. */
  feedback?(what: Feedback): void
}

export interface ReaderContext {
  clock: Clock
  log: Log
  /** Aborts an open that hangs. */
  signal: AbortSignal
  /** Bytes on the wire as they come and go, for a technician who watches; they hold UIDs and are kept nowhere. */
  trace: (bytes: Uint8Array, direction: 'in' | 'out') => void
  simulatedDevices: SimulatedDevices
}

/** Options that every driver has beside its own. */
export interface ReaderOptions {
  /** The part of the spec between `<driver>:` and `?`. */
  path: string
  profile: Profile
  /** A card counts as still lying there until this long after its last frame, in milliseconds. */
  presenceGapMs: number
  /** The same card is no new tap until this long after it left, in milliseconds. */
  cooldownMs: number
}

/**
 * Code for one family of readers. A driver opens, decodes, closes; it never reconnects, de-duplicates or knows
 * UIDs: supervisor, presence and normalise do that once for all.
 */
export interface ReaderDriver<Options extends ReaderOptions = ReaderOptions> {
  readonly name: string
  /** One line for `reader drivers`. */
  readonly summary: string
  /** Options as they come from a spec: every value is text. Unknown options are refused. */
  readonly options: z.ZodType<Options>
  /** The same options for people: `reader drivers` shows them. */
  readonly optionHelp: readonly OptionHelp[]
  /** Devices that could be opened now; never opens one. */
  discover(signal: AbortSignal): Promise<DiscoveredDevice[]>
  /** Resolves to a reader that is ready for the next card, or throws an AppError with a `reader-…` code. */
  open(options: Options, context: ReaderContext): Promise<Reader>
}

export interface OptionHelp {
  name: string
  /** Values or range with unit, default, meaning. */
  meaning: string
}

export interface DiscoveredDevice {
  /** Spec to give to --reader. */
  spec: string
  description: string
}

/** One presentation of one card to one reader. */
export interface Tap {
  readerId: string
  uid: CardUid
  /** What the UID is worth: a `random` one never identifies a card. */
  identity: Identity
  /** What in the read was checked. */
  proof: Proof
  /** ISO 8601 UTC. */
  tappedAt: string
  tappedAtMonoMs: number
}
