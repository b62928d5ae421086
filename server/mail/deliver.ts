import { type BackOff, fullJitterMs } from '../../shared/back-off.ts'
import { AppError, errorTable, isErrorCode, nativeCode } from '../../shared/errors.ts'
import { carry, type CarryParts } from './carry.ts'
import { later, type Mailbox } from './mailbox.ts'
import { type ClaimedMail, claimMails, endLeases, giveUpOverdue } from './store.ts'
import { maxSendsAtOnce, sendTimeoutMs } from './transport.ts'

// Mails that other instances queued, and those that fall due.
const pollMs = 5_000
// Longer than any send, also where the clocks of two instances differ by some seconds.
const leaseMs = sendTimeoutMs + 30_000
// What a stop leaves to the mails in flight: below the 10 s that it may take in all.
const finishMs = 8_000

const retryServer: BackOff = { baseMs: 1_000, capMs: 60_000 }
// Where only a person can help nobody is served by asking often: some servers lock out who keeps failing to log in.
const retryAfterFix: BackOff = { baseMs: 30_000, capMs: 10 * 60_000 }

export interface DeliveryParts extends CarryParts {
  mailbox: Mailbox
}

/** Why nothing leaves. */
interface Trouble {
  /** Undefined before the first look. */
  code: string | undefined
  failures: number
}

/**
 * Sends mails as they fall due, until aborted; then lets those in flight finish, for at most 8 s, and returns.
 *
 * A mail is leased, sent, and marked sent. Any number of instances may do this on one database: the lease gives each
 * mail to one of them. One that dies between the mail server's yes and the mark leaves a mail that is sent a second
 * time when its lease ends, under the same Message-ID, by which receivers recognise it: delivery is at least once.
 *
 * Two states. Working: some mails at once, each with its own outcome (see `carry`). In trouble, at the start and when
 * not the mail but the mail server or the database failed: pauses that grow, each followed by a check that costs no
 * mail, and then by one single mail as the proof.
 */
export async function deliverMails(parts: DeliveryParts, signal: AbortSignal): Promise<void> {
  const { database, mailbox, transport, clock, log } = parts
  const state: { trouble: Trouble | undefined } = { trouble: { code: undefined, failures: 0 } }
  const inFlight = new Set<Promise<void>>()
  const cut = new AbortController()
  const done = new AbortController()
  let waking = new AbortController()
  const wake = (): void => {
    waking.abort()
  }
  mailbox.onQueued(wake)
  signal.addEventListener('abort', () => {
    wake()
    void clock.sleep(finishMs, done.signal).then(() => {
      cut.abort()
    })
  })

  while (!signal.aborted) {
    try {
      if (state.trouble === undefined) await work()
      else await recover(state.trouble)
    } catch (error) {
      note(databaseFault(error))
    }
  }
  await Promise.all(inFlight)
  done.abort()

  async function work(): Promise<void> {
    waking = new AbortController()
    const free = maxSendsAtOnce - inFlight.size
    const mails = free > 0 ? await claim(free) : []
    for (const mail of mails) start(mail)
    if (mails.length === 0) await clock.sleep(pollMs, waking.signal)
  }

  function start(mail: ClaimedMail): void {
    const sending = carry(parts, mail, cut.signal)
      .catch(databaseFault)
      .then((fault) => {
        // Mails that were in flight together fail together: one trouble.
        if (fault !== undefined && state.trouble === undefined) note(fault)
        inFlight.delete(sending)
        wake()
      })
    inFlight.add(sending)
  }

  async function recover({ code, failures }: Trouble): Promise<void> {
    await Promise.all(inFlight)
    if (failures > 0) await clock.sleep(pauseMs(code, failures), signal)
    // The embedded database has one server: who held these leases is gone.
    if (code === undefined && database.engine === 'sqlite') await database.transact(endLeases)
    const fault = await transport.check(signal)
    if (signal.aborted) return
    if (fault !== undefined) {
      const dead = await database.transact((tx) => giveUpOverdue(tx, fault.code, clock.now()))
      if (dead > 0) log.warn({ mails: dead, code: fault.code }, 'mails given up')
      note(fault)
      return
    }
    const [mail] = await claim(1)
    note(mail === undefined ? undefined : await carry(parts, mail, cut.signal))
  }

  function claim(limit: number): Promise<ClaimedMail[]> {
    const now = clock.now()
    return database.transact((tx) => claimMails(tx, { now, leaseUntil: later(now, leaseMs), limit }))
  }

  function note(fault: { code: string; reply?: string | undefined; err?: unknown } | undefined): void {
    const { destination } = transport
    if (fault === undefined) {
      log.info({ destination }, 'mails can leave')
      state.trouble = undefined
      return
    }
    const { trouble } = state
    if (trouble?.code !== fault.code) {
      const hint = isErrorCode(fault.code) ? errorTable[fault.code].hint : undefined
      log.error({ ...fault, destination, hint }, 'no mail can leave')
    }
    state.trouble = { code: fault.code, failures: (trouble?.failures ?? 0) + 1 }
  }
}

function pauseMs(code: string | undefined, failures: number): number {
  const needsPerson = isErrorCode(code) && errorTable[code].retry === 'after-fix'
  return fullJitterMs(needsPerson ? retryAfterFix : retryServer, failures)
}

function databaseFault(err: unknown): { code: string; err: unknown } {
  return { code: err instanceof AppError ? err.code : (nativeCode(err) ?? 'unexpected'), err }
}
