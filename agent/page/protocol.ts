/** What the agent tells its page, and where. Both sides import this file: nothing here needs Node or a browser. */
export type Language = 'es' | 'en'

/**
 * What the kiosk page shows when the person is not filling in the form.
 *
 * Outcomes of an enrolment:
 *   saved         on this machine's disk, the server has not confirmed it yet
 *   registered    the server has it: a new client
 *   card-added    the server has it: one more card of a client it knew
 *   already-yours the card was this client's before
 *   card-taken    the card is another client's
 *   duplicate     the card was registered before; whose it is cannot be told here
 *   rejected      the server refused it for good
 *   cannot-store  disk or database take nothing: not registered
 *   expired       no card came in time
 * On the way to one:
 *   reading       a card was seen; nothing is stored yet
 * Remarks on a card:
 *   random        a phone
 *   unclear       what the reader sent is no card
 *   two-cards     two at once
 *   unclaimed     a card without an enrolment; the server could not be asked about it
 *   card-active, card-inactive, card-unknown   the same, and what the server says of it
 */
export type ScreenName =
  | 'idle'
  | 'waiting'
  | 'saved'
  | 'registered'
  | 'card-added'
  | 'already-yours'
  | 'card-taken'
  | 'duplicate'
  | 'rejected'
  | 'cannot-store'
  | 'expired'
  | 'reading'
  | 'two-cards'
  | 'random'
  | 'unclear'
  | 'unclaimed'
  | 'card-active'
  | 'card-inactive'
  | 'card-unknown'

/** Never a name, a document or a card. */
export interface Screen {
  name: ScreenName
  /** Six letters by which staff find the registration. */
  code: string | null
  /** Counts what was shown so far: the same screen twice is two events, each with its sound. */
  number: number
  /** How long an outcome or remark stays from now on, in milliseconds; null for what stays until something happens. */
  leftMs: number | null
  /** Another card was read right after the one that this outcome is about. */
  secondCard: boolean
}

/** Everything the page knows of the agent. */
export interface Snapshot {
  language: Language
  /** Pixels of one millimetre of this screen. */
  pxPerMm: number
  screen: Screen
  readerReady: boolean
  serverOnline: boolean
  /** The page's own sounds, 0 to 1. */
  volume: number
  /** Changes when the agent brings another page: then the page loads itself anew. */
  build: string
}

/** What the page posts when the form is done: the JSON body of the API document, without `tarjeta`. */
export interface EnrolmentRequest {
  client: Record<string, unknown>
  /** Which consent text was on the screen. */
  consentText: string
}

/** Answers of the page's API that are no success. */
export interface PageFailure {
  code:
    | 'forbidden'
    | 'unauthorised'
    | 'unreadable'
    | 'too-large'
    | 'too-many'
    | 'invalid'
    | 'busy'
    | 'cannot-store'
    | 'failed'
    | 'wrong-pin'
    | 'locked'
    | 'no-pin'
    | 'operator-needed'
  /** The wrong fields; only with `invalid`. */
  fields?: string[]
  /** Only with `wrong-pin`. */
  triesLeft?: number
  /** How long nobody gets in; only with `locked`. */
  seconds?: number
}

/** How long nothing may be touched before the page asks, and then before it forgets; milliseconds. */
export const idleMs = 60_000
export const warningMs = 20_000
/** How long an outcome stays on the screen where nothing else wants it, in milliseconds. */
export const outcomeMs = 20_000
/** How often a page that lives says so. */
export const heartbeatMs = 5_000
/** How often an open stream says something. */
export const pingMs = 5_000
