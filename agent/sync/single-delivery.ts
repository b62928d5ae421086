import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { KioskChannel } from '../kiosk/channel.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { StoredRegistration, System } from '../outbox/registration.ts'
import type { Response } from './classify.ts'
import type { ServerClient } from './client.ts'
import { Pacing } from './pacing.ts'
import { mayBeTaken } from './systems/system.ts'
import type { RemoteSystems } from './systems/systems.ts'
import { pauseBackOff, type Way } from './way.ts'

/** Delivery of one registration at a time, to the documented endpoint of its system. */
export class SingleDelivery {
  readonly #outbox: Outbox
  readonly #way: Way
  readonly #systems: RemoteSystems
  readonly #channel: KioskChannel
  readonly #clock: Clock
  readonly #log: Log
  readonly #pacing: Record<System, Pacing>

  constructor(parts: {
    outbox: Outbox
    way: Way
    systems: RemoteSystems
    channel: KioskChannel
    clock: Clock
    log: Log
  }) {
    this.#outbox = parts.outbox
    this.#way = parts.way
    this.#systems = parts.systems
    this.#channel = parts.channel
    this.#clock = parts.clock
    this.#log = parts.log
    this.#pacing = {
      'vlt-clients': new Pacing(parts.clock),
      'digital-registry': new Pacing(parts.clock),
      'user-accounts': new Pacing(parts.clock),
    }
  }

  async send(client: ServerClient, row: StoredRegistration, cut: AbortSignal): Promise<void> {
    const { path, bodyOf, repeatMayConflict } = this.#systems[row.system]
    const prepared = bodyOf(row.body)
    if ('error' in prepared) {
      this.#way.holdSystem(row.system, prepared.error, pauseBackOff.baseMs)
      return
    }
    if (repeatMayConflict) this.#outbox.noteSent(row.id)
    const response = await client.post(path, prepared.body, row.idempotencyKey, cut)
    if (!cut.aborted) this.#settle(row, response)
  }

  /** First how long to wait: the outbox may take no write. */
  #settle(row: StoredRegistration, response: Response): void {
    const { classify, repeatMayConflict } = this.#systems[row.system]
    const isRepeat = row.lastError === 'answer-lost'
    const verdict = classify(response, isRepeat)
    const paceMs = response.kind === 'answer' ? this.#pacing[row.system].observe(response.headers) : 0
    switch (verdict.kind) {
      case 'delivered':
        this.#pace(row.system, paceMs)
        this.#channel.countDocumented()
        this.#outbox.markDelivered(row.id, verdict.receipt, verdict.error)
        this.#way.lastSuccessAt = this.#clock.now()
        this.#log.info({ registration: row.id, attempts: row.attempts + 1 }, 'delivered')
        this.#way.answered([row])
        return
      case 'dead':
        this.#pace(row.system, paceMs)
        this.#outbox.markDead(row.id, verdict.error, verdict.receipt)
        this.#log.warn({ registration: row.id, code: verdict.error }, 'dead letter')
        this.#way.answered([row])
        return
      case 'retry':
      case 'pause': {
        // Whatever comes after a lost answer, the server may have the row until it says so or refuses it.
        const mayHaveIt = repeatMayConflict && (isRepeat || mayBeTaken(response))
        if (verdict.alone === true) this.#way.refusedAlone({ row, verdict })
        else this.#way.failed([{ row, verdict }])
        this.#outbox.recordAttempt(row.id, mayHaveIt ? 'answer-lost' : verdict.error)
      }
    }
  }

  #pace(system: System, ms: number): void {
    if (ms === 0) return
    if (system === 'vlt-clients') this.#way.hold.ask(ms)
    else this.#way.holdSystem(system, 'rate-limited', ms)
  }
}
