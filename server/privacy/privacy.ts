import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Core } from '../core.ts'
import type { IdempotencyKeyRow } from '../database/rows/platform.ts'
import type { Tx } from '../database/schema.ts'
import { answerPurpose, type KeptAnswer } from '../idempotency/idempotency.ts'
import { type Mail, openMail } from '../mail/mailbox.ts'
import type { Vault } from '../security/vault.ts'
import type { FindHolding, Holding } from './holding.ts'
import { answersAbout, removeAnswersAbout, removeMail, waitingMails, type WaitingMail } from './store.ts'

export interface Privacy {
  /** Everything the server holds of a person, as one JSON document. Throws `person-unknown`. */
  export(find: FindHolding, id: string): Promise<Record<string, unknown>>
  /**
   * Removes what can name the person, here and in the files of the embedded database. Once more does no harm; then it
   * answers false unless something had come since.
   *
   * Throws `person-unknown` or, when old copies may be left in the files, `erasure-incomplete`.
   */
  erase(find: FindHolding, id: string): Promise<boolean>
}

/** What an operator does when a person asks for their data, or asks to be forgotten. Both go into the audit trail. */
export function createPrivacy(
  { database, vault, audit }: Pick<Core, 'database' | 'vault' | 'audit'>,
  clock: Clock,
): Privacy {
  const holdingOf = async (tx: Tx, find: FindHolding, id: string): Promise<Holding> => {
    const holding = await find(tx, vault, id)
    if (holding === undefined) throw new AppError('person-unknown', 'there is nobody of that id')
    return holding
  }
  const removeAll = async (tx: Tx, find: FindHolding, id: string): Promise<string[]> => {
    const { subject, addresses, erase } = await holdingOf(tx, find, id)
    const mails = await mailsTo(tx, vault, addresses)
    const answers = await answersAbout(tx, subject)
    const removed = [
      ...(await erase(clock.now())),
      ...mails.map(({ row }) => row.content ?? ''),
      ...answers.flatMap(({ answer, request_index }) => [answer, request_index]),
    ]
    if (removed.length === 0) return []
    for (const { row } of mails) await removeMail(tx, row.id)
    await removeAnswersAbout(tx, subject)
    await database.oweScrub(tx)
    await audit.record(tx, { action: 'person-erased', actor: 'operator', subject })
    return removed
  }

  return {
    export: (find, id) =>
      database.transact(async (tx) => {
        const { subject, held, addresses } = await holdingOf(tx, find, id)
        const mails = await mailsTo(tx, vault, addresses)
        const answers = await answersAbout(tx, subject)
        await audit.record(tx, { action: 'person-exported', actor: 'operator', subject })
        return {
          exportedAt: clock.now(),
          subject,
          ...held,
          mailsNotSent: mails.map(({ row, mail }) => ({
            queuedAt: row.queued_at,
            state: row.state,
            to: mail.to,
            subject: mail.subject,
            text: mail.text,
          })),
          keptAnswers: answers.map((row) => describeAnswer(vault, row)),
        }
      }),
    async erase(find, id) {
      const removed = await database.transact((tx) => removeAll(tx, find, id))
      try {
        // Also when erased before: that time may not have got this far.
        await database.scrub(removed)
      } catch (cause) {
        throw new AppError('erasure-incomplete', 'old copies may be left in the database files', { cause })
      }
      return removed.length > 0
    },
  }
}

const pageSize = 500

/** Addresses are sealed: finding those of a person means opening all that wait, which are few or soon gone. */
async function mailsTo(
  tx: Tx,
  vault: Vault,
  addresses: string[],
): Promise<{ row: WaitingMail; mail: Mail }[]> {
  const wanted = new Set(addresses.map(folded))
  const found: { row: WaitingMail; mail: Mail }[] = []
  if (wanted.size === 0) return found
  let after = 0
  for (;;) {
    const page = await waitingMails(tx, after, pageSize)
    for (const row of page) {
      const mail = openMail(vault, { messageId: row.message_id, content: row.content })
      if (mail !== undefined && wanted.has(folded(mail.to))) found.push({ row, mail })
    }
    after = page.at(-1)?.id ?? after
    if (page.length < pageSize) return found
  }
}

function folded(address: string): string {
  return address.trim().normalize('NFC').toLowerCase()
}

function describeAnswer(vault: Vault, { scope, key, answer, created_at }: IdempotencyKeyRow) {
  const { status, body } = JSON.parse(vault.open(answerPurpose(scope, key), answer)) as KeptAnswer
  return { route: scope, idempotencyKey: key, keptAt: created_at, status, body: JSON.parse(body) as unknown }
}
