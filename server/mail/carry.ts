import { type BackOff, fullJitterMs } from '../../shared/back-off.ts'
import type { Clock } from '../../shared/clock.ts'
import { errorTable } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Database } from '../database/database.ts'
import type { Tx } from '../database/schema.ts'
import type { Vault } from '../security/vault.ts'
import { later, openMail } from './mailbox.ts'
import type { MailFault } from './smtp-fault.ts'
import { type ClaimedMail, markFailed, markSent } from './store.ts'
import { type MailTransport, sendTimeoutMs } from './transport.ts'

const retryMail: BackOff = { baseMs: 30_000, capMs: 60 * 60_000 }
const retryDatabase: BackOff = { baseMs: 250, capMs: 5_000 }

export interface CarryParts {
  database: Database
  vault: Vault
  transport: MailTransport
  clock: Clock
  log: Log
}

/**
 * Sends one leased mail and writes down what came of it: sent, to be tried again (30 s later at first, up to 1 h), or a
 * dead letter, because it was refused for good or its time is over. Answers the fault that was not the mail's own.
 *
 * `cut` breaks the send off. Throws what the database throws once it has done so until the lease ends.
 */
export async function carry(
  { database, vault, transport, clock, log }: CarryParts,
  claimed: ClaimedMail,
  cut: AbortSignal,
): Promise<MailFault | undefined> {
  const { id, attempts, messageId, queuedAt } = claimed
  const fault = await send()
  const at = clock.now()
  if (fault === undefined) {
    await settle((tx) => markSent(tx, id, at))
    log.info({ mail: id, attempts }, 'mail sent')
    return undefined
  }
  const { code, reply } = fault
  const final = code === 'mail-refused' || code === 'mail-invalid' || at >= claimed.giveUpAt
  const dueAt = final ? undefined : later(at, fullJitterMs(retryMail, attempts))
  await settle((tx) => markFailed(tx, claimed, { error: code, reply, dueAt, at }))
  const level = final || errorTable[code].retry === 'after-fix' ? 'warn' : 'info'
  log[level]({ mail: id, attempts, code, reply, dueAt }, final ? 'mail given up' : 'mail not sent yet')
  return isOwn(code) ? undefined : fault

  async function send(): Promise<MailFault | undefined> {
    const mail = openMail(vault, claimed)
    if (mail === undefined) return { code: 'mail-invalid' }
    const [over, done] = [new AbortController(), new AbortController()]
    void clock.sleep(sendTimeoutMs, done.signal).then(() => {
      over.abort()
    })
    try {
      return await transport.send({ ...mail, messageId, queuedAt }, AbortSignal.any([over.signal, cut]))
    } finally {
      done.abort()
    }
  }

  /** What the mail server has taken is not sent again for a passing fault of the database. */
  async function settle(work: (tx: Tx) => Promise<void>): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      try {
        await database.transact(work)
        return
      } catch (error) {
        if (cut.aborted || clock.now() >= claimed.leasedUntil) throw error
        await clock.sleep(fullJitterMs(retryDatabase, failures), cut)
      }
    }
  }
}

/** The mail server had its say about this mail; any other fault would have met every mail. */
function isOwn(code: MailFault['code']): boolean {
  return ['mail-deferred', 'mail-refused', 'mail-invalid', 'mail-sender-refused'].includes(code)
}
