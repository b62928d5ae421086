import type { ErrorCode } from '../../../shared/errors.ts'
import type { Language } from '../../config.ts'
import type { CustomerDraft } from './draft.ts'
import type { CustomerSteps, Obstacle } from './steps.ts'
import { customerWordings } from './wording.ts'

/** As the server has it: how long a code and a verified address are good for, and the tries of a code. */
const codeMs = 10 * 60_000
const ticketMs = 30 * 60_000
const triesPerCode = 5

/** How the way to a customer account ends. */
export type Ending =
  | { state: 'registered'; customerId: number }
  /** The account is there, most likely ours. */
  | { state: 'unconfirmed' }
  /** Not yet: goes on with `--resume`. */
  | { state: 'saved'; error: ErrorCode; untilMs?: number }
  | { state: 'rejected'; error: ErrorCode; problems: string[] }

/** Whoever does the registering: a clerk at a terminal, or a file without one. Undefined: nobody to ask. */
export interface Clerk {
  say: (text: string) => void
  /** A line for the mailed code; '' asks for another one. */
  code: () => Promise<string | undefined>
  password: () => Promise<string>
  /** Has these fields typed again, after they were refused; answers whether that was possible. */
  again: (fields: string[]) => Promise<boolean>
}

interface Parts {
  steps: CustomerSteps
  clerk: Clerk
  language: Language
  nowMs: () => number
  /** Keeps the draft through whatever comes. */
  save: (draft: CustomerDraft) => void
}

/**
 * Leads through the steps, from wherever the draft stands:
 *
 *   no live code -> send one -> code -> verified -> account
 *                      ^----------'  wrong, over, "another"
 *                      ^----------------------'  the verification is over
 *
 * Every change is saved before the request that follows from it leaves.
 */
export async function completeCustomer(draft: CustomerDraft, parts: Parts): Promise<Ending> {
  const { steps, clerk, nowMs } = parts
  const texts = customerWordings[parts.language]
  const update = (changes: Partial<CustomerDraft>): void => {
    Object.assign(draft, changes)
    parts.save(draft)
  }
  const isLive = (since: string | null, forMs: number): boolean =>
    since !== null && nowMs() - Date.parse(since) < forMs
  const now = (): string => new Date(nowMs()).toISOString()

  async function refused(obstacle: Obstacle): Promise<Ending | undefined> {
    switch (obstacle.kind) {
      case 'away':
        return { state: 'saved', error: obstacle.error }
      case 'wait':
        return { state: 'saved', error: 'rate-limited', untilMs: nowMs() + obstacle.waitMs }
      case 'refused':
        return correct(obstacle.errors, 'rejected-invalid')
    }
  }

  async function correct(
    errors: Record<string, readonly string[]>,
    error: ErrorCode,
  ): Promise<Ending | undefined> {
    const problems = Object.entries(errors).map(([field, said]) => `${field}: ${said.join(' ')}`)
    const before = draft.customer['email']
    clerk.say([texts.correct, ...problems.map((problem) => `  ${problem}`)].join('\n'))
    if (!(await clerk.again(Object.keys(errors)))) return { state: 'rejected', error, problems }
    const isOther = draft.customer['email'] !== before
    // Another body under the key of a request whose answer was lost would be refused.
    update({ sends: draft.sends + 1 })
    if (isOther) update({ sentAt: null, verifiedAt: null, ticket: null, guesses: 0 })
    return undefined
  }

  async function send(): Promise<Ending | undefined> {
    const sent = await steps.sendCode(draft)
    const hasCode = isLive(draft.sentAt, codeMs)
    if (sent.kind === 'wait' && hasCode) {
      clerk.say(texts.wait(Math.ceil(sent.waitMs / 1000)))
      return undefined
    }
    if (sent.kind !== 'sent') return refused(sent)
    // A code sent while the one before it lives takes over its used tries.
    update({ sends: draft.sends + 1, sentAt: now(), guesses: hasCode ? draft.guesses : 0 })
    clerk.say(texts.codeSent(String(draft.customer['email'])))
    return undefined
  }

  async function tryCode(): Promise<Ending | undefined> {
    const line = await clerk.code()
    if (line === undefined) return { state: 'saved', error: 'code-needed' }
    const code = line.replace(/\s/g, '')
    if (code === '') return send()
    if (!/^\d{6}$/.test(code)) {
      clerk.say(texts.sixDigits)
      return undefined
    }
    const verified = await steps.verify(draft, code)
    if (verified.kind === 'verified') {
      update({ ticket: verified.ticket, verifiedAt: now() })
      clerk.say(texts.verified)
      return undefined
    }
    if (verified.kind !== 'wrong') return refused(verified)
    update({ guesses: draft.guesses + 1 })
    clerk.say(wrongCode())
    return undefined
  }

  function wrongCode(): string {
    if (!isLive(draft.sentAt, codeMs)) return texts.expired
    const left = triesPerCode - draft.guesses
    return left > 0 ? texts.wrong(left) : texts.usedUp(clockTime(Date.parse(draft.sentAt ?? '') + codeMs))
  }

  async function create(): Promise<Ending | undefined> {
    const password = await clerk.password()
    const mayExist = draft.mayExist
    update({ mayExist: true })
    const created = await steps.create(draft, password)
    switch (created.kind) {
      case 'created':
        return { state: 'registered', customerId: created.customerId }
      case 'done-before':
        return { state: 'unconfirmed' }
      case 'taken': {
        if (mayExist) return { state: 'unconfirmed' }
        update({ mayExist: false })
        const errors = Object.fromEntries(created.fields.map((field) => [field, [texts.takenField]]))
        return correct(errors, 'account-taken')
      }
      case 'unverified':
        update({ mayExist, ticket: null, verifiedAt: null, sentAt: null })
        clerk.say(texts.unverified)
        return undefined
      case 'away':
      case 'wait':
      case 'refused':
        update({ mayExist: mayExist || (created.kind === 'away' && created.mayBeDone) })
        return refused(created)
    }
  }

  for (;;) {
    const step = isLive(draft.verifiedAt, ticketMs) ? create : isLive(draft.sentAt, codeMs) ? tryCode : send
    const ending = await step()
    if (ending !== undefined) return ending
  }
}

/** `13:05`, in the time of this machine. */
export function clockTime(ms: number): string {
  const date = new Date(ms)
  return [date.getHours(), date.getMinutes()].map((value) => String(value).padStart(2, '0')).join(':')
}
