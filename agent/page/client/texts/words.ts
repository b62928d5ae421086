import type { ScreenName } from '../../protocol.ts'
import type { Act } from '../form/layouts.ts'
import type { Complaint, DocumentType, Field } from '../form/steps.ts'

export interface Said {
  title: string
  text: string
  /** What to do now. */
  next: string
}

/** Screens that the page shows of itself, beside those the agent names. */
export type Outcome = Exclude<ScreenName, 'idle' | 'waiting'> | 'no-reader'

export interface Words {
  title: string
  other: string
  welcome: string
  welcomeText: string
  newClient: string
  returning: string
  checkCard: string
  operator: string
  offline: string
  back: string
  leave: string
  next: string
  skip: string
  optional: string
  step: (step: number, of: number) => string
  ask: Record<Field, string>
  label: Record<Field, string>
  hint: Partial<Record<Field, string>>
  documentType: string
  documents: Record<DocumentType, string>
  review: string
  change: string
  empty: string
  consents: string
  ready: string
  complaints: Record<Complaint, string>
  failures: Record<'busy' | 'invalid' | 'unreachable' | 'cannot-store' | 'failed', string>
  /** A card was read while the form is open. */
  tooEarly: string
  tap: string
  tapText: string
  cancel: string
  outcomes: Record<Outcome, Said>
  /** Beside an outcome: a second card was read right after the one that counts. */
  secondCard: string
  code: string
  done: string
  stillThere: string
  stillThereText: (seconds: number) => string
  stay: string
  closed: string
  closedText: string
  keyboard: string
  keys: Record<Act, string>
  space: string
}
