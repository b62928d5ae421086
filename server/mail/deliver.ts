import type { Clock } from '../../shared/clock.ts'
import { type BackOff, fullJitterMs } from '../../shared/back-off.ts'
import { AppError, errorTable, isErrorCode, nativeCode } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Database } from '../database/database.ts'
import type { Tx } from '../database/schema.ts'
import type { Vault } from '../security/vault.ts'
import { later, type Mailbox, openMail } from './mailbox.ts'
import type { MailFault } from './smtp-fault.ts'
import { type ClaimedMail, claimMails, endLeases, giveUpOverdue, markFailed, markSent } from './store.ts'
import { type MailTransport, maxSendsAtOnce, sendTimeoutMs } from './transport.ts'

// Mails that other instances queued, and those that fall due.
const pollMs = 5_000
// Longer than any send, also where the clocks of two instances differ by some seconds.
const leaseMs = sendTimeoutMs + 30_000
// What a stop leaves to the mails in flight: below the 10 s that it may take in all.
const finishMs = 8_000

const retryMail: BackOff = { baseMs: 30_000, capMs: 60 * 60_000 }
const retryServer: BackOff = { baseMs: 1_000, capMs: 60_000 }
/** Where only a person can help, nobody is served by asking often: some servers lock out who keeps failing to log in. */
const retryAfterFix: BackOff = { baseMs: 30_000, capMs: 10 * 60_000 }
const retryDatabase: BackOff = { baseMs: 250, capMs: 5_000 }

export interface DeliveryParts {
  database: Database
  vault: Vault
  mailbox: Mailbox
  transport: MailTransport
  clock: Clock
  log: Log
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
 * mail to one of them. One that dies between the mail server's "yes" and the mark leaves a mail that is sent a second
 * time when its lease ends, under the same Message-ID, by which receivers recognise it: delivery is at least once.
 *
 * Two states. Working: as many mails at once as the transport takes; one that fails waits by itself, 30 s at first and
 * up to 1 h, and is a dead letter when it was refused for good or has been tried for 3 days. In trouble (at the start,
 * and when not the mail but the mail server or the database failed): pauses that grow, each followed by a check that
 * costs no mail, then by one single mail as the proof.
 */
export async function deliverMails(
  { database, vault, mailbox, transport, clock, log }: DeliveryParts,
  signal: AbortSignal,
): Promise<void> {
  let trouble: Trouble | undefined = { code: undefined, failures: 0 }
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
      if (trouble === undefined) await work()
      else await recover(trouble)
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
    const sending = deliver(mail)
      .catch(databaseFault)
      .then((fault) => {
        // Mails that were in flight together fail together: one trouble.
        if (fault !== undefined && trouble === undefined) note(fault)
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
    if (signal.aborted) return
    const fault = await transport.check(signal)
    if (signal.aborted) return
    if (fault !== undefined) {
      const dead = await database.transact((tx) => giveUpOverdue(tx, fault.code, clock.now()))
      if (dead > 0) log.warn({ mails: dead, code: fault.code }, 'mails were given up')
      note(fault)
      return
    }
    const [mail] = await claim(1)
    note(mail === undefined ? undefined : await deliver(mail))
  }

  function claim(limit: number): Promise<ClaimedMail[]> {
    const now = clock.now()
    return database.transact((tx) => claimMails(tx, { now, leaseUntil: later(now, leaseMs), limit }))
  }

  /** Answers the fault that is not the mail's own. */
  async function deliver(claimed: ClaimedMail): Promise<MailFault | undefined> {
    const { id, attempts } = claimed
    const fault = await send(claimed)
    const at = clock.now()
    if (fault === undefined) {
      await persist((tx) => markSent(tx, id, at), claimed)
      log.info({ mail: id, attempts }, 'mail sent')
      return undefined
    }
    const { code, reply } = fault
    const final = isFinal(code) || at >= claimed.giveUpAt
    const dueAt = final ? undefined : later(at, fullJitterMs(retryMail, attempts))
    await persist((tx) => markFailed(tx, claimed, { error: code, reply, dueAt, at }), claimed)
    if (final) log.warn({ mail: id, attempts, code, reply }, 'mail given up')
    else
      log[needsPerson(code) ? 'warn' : 'info'](
        { mail: id, attempts, code, reply, dueAt },
        'mail not sent yet',
      )
    return isServerFault(code) ? fault : undefined
  }

  async function send(claimed: ClaimedMail): Promise<MailFault | undefined> {
    const mail = openMail(vault, claimed)
    if (mail === undefined) return { code: 'mail-invalid' }
    const limit = AbortSignal.any([AbortSignal.timeout(sendTimeoutMs), cut.signal])
    return transport.send({ ...mail, messageId: claimed.messageId, queuedAt: claimed.queuedAt }, limit)
  }

  /** What the mail server has taken is not sent again for a passing fault of the database. */
  async function persist(settle: (tx: Tx) => Promise<void>, { leasedUntil }: ClaimedMail): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      try {
        await database.transact(settle)
        return
      } catch (error) {
        if (cut.signal.aborted || clock.now() >= leasedUntil) throw error
        await clock.sleep(fullJitterMs(retryDatabase, failures), cut.signal)
      }
    }
  }

  function note(fault: { code: string; reply?: string | undefined; err?: unknown } | undefined): void {
    const { destination } = transport
    if (fault === undefined) {
      log.info({ destination }, 'mails can leave')
      trouble = undefined
      return
    }
    if (trouble?.code !== fault.code) {
      const hint = isErrorCode(fault.code) ? errorTable[fault.code].hint : undefined
      log.error({ ...fault, destination, hint }, 'no mail can leave')
    }
    trouble = { code: fault.code, failures: (trouble?.failures ?? 0) + 1 }
  }
}

/** Not the mail's fault, so not the mail's alone. */
function isServerFault(code: MailFault['code']): boolean {
  return !['mail-deferred', 'mail-refused', 'mail-invalid', 'mail-sender-refused'].includes(code)
}

function isFinal(code: MailFault['code']): boolean {
  return code === 'mail-refused' || code === 'mail-invalid'
}

function pauseMs(code: string | undefined, failures: number): number {
  return fullJitterMs(needsPerson(code) ? retryAfterFix : retryServer, failures)
}

function needsPerson(code: string | undefined): boolean {
  return isErrorCode(code) && errorTable[code].retry === 'after-fix'
}

function databaseFault(err: unknown): { code: string; err: unknown } {
  return { code: err instanceof AppError ? err.code : (nativeCode(err) ?? 'unexpected'), err }
}
