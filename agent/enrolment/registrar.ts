import type { CardUid } from '../../shared/card-uid.ts'
import type { Clock } from '../../shared/clock.ts'
import { registrationAnswer } from '../../shared/contracts/vlt-clients.ts'
import { errorTable, type AppError, type ErrorCode } from '../../shared/errors.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { ownedReceipt, type CardOwner, type OwnedReceipt } from '../outbox/owned-receipt.ts'
import type { NewRegistration, StoredRegistration } from '../outbox/registration.ts'
import { toRegistration, type ClientData } from './client-data.ts'

/**
 * What a person is told.
 *
 * saved       -> on this machine's disk; the server has not confirmed it yet
 * registered  -> the server has it
 * unconfirmed -> the server has it, most likely from an attempt whose answer was lost; `error` says what to check
 * duplicate   -> the server knew the card before
 * rejected    -> not registered; `error` says why
 */
export interface Outcome {
  state: 'saved' | 'registered' | 'unconfirmed' | 'duplicate' | 'rejected'
  registrationId: string | null
  /** The server's answer body, without what is not kept. */
  receipt: unknown
  error: { code: ErrorCode; hint: string } | null
}

/** How long a person waits for the server before "saved" is the answer. */
export const confirmWithinMs = 5_000

/** Accepts registrations into the outbox and tells whoever waits what became of them. */
export class Registrar {
  readonly #outbox: Outbox
  readonly #clock: Clock
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(outbox: Outbox, clock: Clock) {
    this.#outbox = outbox
    this.#clock = clock
  }

  /** Returns once the registration is on the disk; throws what Outbox.append throws, and then nothing is stored. */
  accept(
    client: ClientData,
    card: CardUid,
    readerId: string | null,
    consentText: string | null = null,
  ): StoredRegistration {
    return this.append({ ...toRegistration(client, card, readerId), consentText })
  }

  /**
   * Whose card a duplicate is. A kiosk that has joined is told by the server; else as far as this machine knows: the
   * server names the owner by its own id, and other receipts of the same client tell that client's id.
   */
  ownerOf(id: string): CardOwner | 'unknown' {
    const receipt = asReceipt(this.#outbox.get(id).receipt)
    if (receipt?.owner !== undefined) return receipt.owner
    const owner = receipt?.id
    const ids = this.#outbox
      .receiptsOfClient(id)
      .map(asReceipt)
      .filter((other) => other?.esDuplicado === false)
      .map((other) => other?.id)
    if (ids.length === 0) return 'unknown'
    return ids.includes(owner) ? 'own' : 'other'
  }

  /** The same for any system. */
  append(registration: NewRegistration): StoredRegistration {
    return this.#outbox.append(registration)
  }

  /** Resolves with the server's word, or with `saved` when there is none within `timeoutMs`. */
  async outcome(id: string, timeoutMs: number, signal: AbortSignal): Promise<Outcome> {
    if (this.#outbox.get(id).state === 'pending') {
      const settled = new AbortController()
      const wake = (): void => {
        settled.abort()
      }
      const wakers = this.#waiting.get(id) ?? new Set()
      this.#waiting.set(id, wakers.add(wake))
      if (signal.aborted) wake()
      signal.addEventListener('abort', wake, { once: true })
      await this.#clock.sleep(timeoutMs, settled.signal)
      signal.removeEventListener('abort', wake)
      wakers.delete(wake)
      if (wakers.size === 0) this.#waiting.delete(id)
    }
    return asOutcome(this.#outbox.get(id))
  }

  /** The sync calls this when a registration was delivered or refused. */
  settled(id: string): void {
    for (const wake of this.#waiting.get(id) ?? []) wake()
  }
}

export function asOutcome(row: StoredRegistration): Outcome {
  const registrationId = row.id
  if (row.state === 'delivered') {
    const receipt: unknown =
      row.lastError === 'delivered-unconfirmed' ? null : JSON.parse(row.receipt ?? 'null')
    const error = row.lastError === null ? null : describe(row.lastError)
    return { state: deliveredState(row, receipt), registrationId, receipt, error }
  }
  if (row.state === 'pending') return { state: 'saved', registrationId, receipt: null, error: null }
  return {
    state: 'rejected',
    registrationId,
    receipt: null,
    error: describe(row.lastError ?? 'rejected-invalid'),
  }
}

function asReceipt(text: string | null): OwnedReceipt | undefined {
  return ownedReceipt.safeParse(JSON.parse(text ?? 'null')).data
}

function deliveredState({ system, lastError }: StoredRegistration, receipt: unknown): Outcome['state'] {
  if (lastError === 'delivered-unconfirmed') return 'unconfirmed'
  const isDuplicate = system === 'vlt-clients' && registrationAnswer.parse(receipt).esDuplicado
  return isDuplicate ? 'duplicate' : 'registered'
}

/** The outcome where nothing was stored. */
export function refused(error: AppError): Outcome {
  return { state: 'rejected', registrationId: null, receipt: null, error: describe(error.code) }
}

export function describe(code: ErrorCode): { code: ErrorCode; hint: string } {
  return { code, hint: errorTable[code].hint }
}
