import { z } from 'zod'
import { checkClient } from '../enrolment/client-data.ts'
import type { EnrolmentDesk } from '../enrolment/desk.ts'
import { consentTexts } from './consents.ts'
import { idleMs, warningMs } from './protocol.ts'

/** So long a person may hold nothing to the reader: the page asks after the first part, and forgets after both. */
const tapWithinMs = idleMs + warningMs
/** Two cards that lie there are read within this time; nobody feels it beside the tick that says "seen". */
const settleMs = 150

const request = z.object({
  client: z.unknown(),
  consentText: z.string().refine((text) => consentTexts.includes(text)),
})

export type Submission =
  | { kind: 'waiting' }
  /** Another person's enrolment waits: the next card would become theirs. */
  | { kind: 'busy' }
  | { kind: 'invalid'; fields: string[] }

/** What the page may do at the desk: one enrolment at a time, that of the person in front of it. */
export class PageEnrolments {
  readonly #desk: EnrolmentDesk
  readonly #probe: () => void
  #current: string | undefined

  /** @param probe throws where the outbox takes no write */
  constructor(desk: EnrolmentDesk, probe: () => void) {
    this.#desk = desk
    this.#probe = probe
  }

  /** Before anybody types anything: throws an AppError where it could not be kept. */
  begin(): void {
    this.#probe()
  }

  /** Throws an AppError where nothing can be kept. */
  submit(body: unknown): Submission {
    const parsed = request.safeParse(body)
    if (!parsed.success) return { kind: 'invalid', fields: ['consentText'] }
    const checked = checkClient(parsed.data.client)
    if ('complaints' in checked)
      return { kind: 'invalid', fields: checked.complaints.map(({ field }) => field) }
    if (this.#desk.waiting > 0) return { kind: 'busy' }
    this.#probe()
    const { id, tapped } = this.#desk.start(checked.client, tapWithinMs, {
      consentText: parsed.data.consentText,
      settleMs,
    })
    this.#current = id
    void tapped.then(() => {
      if (this.#current === id) this.#current = undefined
    })
    return { kind: 'waiting' }
  }

  /** The person is still there. */
  keep(): void {
    if (this.#current !== undefined) this.#desk.keep(this.#current)
  }

  cancel(): void {
    if (this.#current !== undefined) this.#desk.cancel(this.#current)
  }
}
