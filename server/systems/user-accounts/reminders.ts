import { Cron } from 'croner'
import type { Clock } from '../../../shared/clock.ts'
import type { Log } from '../../../shared/log.ts'
import type { Database } from '../../database/database.ts'
import { lock } from '../../database/locks.ts'
import type { Tx } from '../../database/schema.ts'
import type { Mailbox } from '../../mail/mailbox.ts'
import type { Vault } from '../../security/vault.ts'
import { dayAt, daysBefore, daysFrom, timeZone } from './calendar.ts'
import { openPerson, type Person } from './person.ts'
import { reminderMail } from './reminder-mail.ts'
import { type DueReminder, findDueReminders, settleReminder } from './store.ts'

// Before the offices open, when people read their mail.
const daily = new Cron('0 8 * * *', { timezone: timeZone, paused: true })
const retryMs = 5 * 60_000

const leadDays = [30, 7, 1]

// A transaction holds up the other writers of an embedded database for as long as it takes.
const accountsPerBatch = 50

/** Held by whatever sends reminders or takes an account away from them. */
export const remindersLock = 'licence-reminders'

export interface Reminders {
  /** Queues the mails that are due, each once whatever other instances do, and says how many. */
  sendDue(): Promise<number>
  /** `sendDue` at once and then every day at eight in Guatemala. */
  run(signal: AbortSignal): Promise<void>
}

/** The days on which to remind of a licence's end: those that are not over yet. */
export function reminderDays(expiresOn: string, today: string): string[] {
  return leadDays.map((days) => daysBefore(expiresOn, days)).filter((day) => day >= today)
}

/**
 * Mails people that their licence ends. What was missed while no server ran is made up for while the licence is
 * good, with one mail however many were missed.
 */
export function createReminders(
  { database, vault, mailbox }: { database: Database; vault: Vault; mailbox: Mailbox },
  clock: Clock,
  log: Log,
): Reminders {
  const send = async (tx: Tx, reminder: DueReminder, today: string): Promise<Settled> => {
    const person = readable(vault, reminder)
    if (person === undefined) return 'failed'
    const { expires_on: expiresOn } = reminder
    await mailbox.queue(tx, reminderMail(person.usuarioCorreo, expiresOn, daysFrom(today, expiresOn)))
    return 'sent'
  }

  /** Settles what is due of one account, and answers what became of the nearest. */
  const remind = async (tx: Tx, reminders: DueReminder[], today: string): Promise<Settled> => {
    let settled: Settled = 'skipped'
    for (const reminder of reminders) {
      const counts = reminder === reminders.at(-1) && reminder.expires_on >= today
      settled = counts ? await send(tx, reminder, today) : 'skipped'
      await settleReminder(tx, reminder.id, settled, clock.now())
    }
    return settled
  }

  const sendSome = (): Promise<{ accountId: number; settled: Settled }[]> =>
    database.transact(async (tx) => {
      await lock(tx, [remindersLock])
      const today = dayAt(clock.now())
      const due = await findDueReminders(tx, today, accountsPerBatch)
      const done = []
      for (const [accountId, reminders] of Map.groupBy(due, (reminder) => reminder.account_id)) {
        done.push({ accountId, settled: await remind(tx, reminders, today) })
      }
      return done
    })

  const sendDue = async (): Promise<number> => {
    let sent = 0
    for (;;) {
      const batch = await sendSome()
      for (const { accountId, settled } of batch) {
        if (settled === 'sent') sent += 1
        if (settled === 'failed') log.error({ accountId }, 'no licence reminder: the account cannot be read')
      }
      if (batch.length < accountsPerBatch) return sent
    }
  }

  return {
    sendDue,
    async run(signal) {
      while (!signal.aborted) {
        let soonMs = Infinity
        try {
          const sent = await sendDue()
          if (sent > 0) log.info({ sent }, 'licence reminders queued')
        } catch (error) {
          log.error({ err: error }, 'licence reminders could not be queued')
          soonMs = retryMs
        }
        await clock.sleep(Math.min(soonMs, msToNextRun(clock.now())), signal)
      }
    },
  }
}

type Settled = 'sent' | 'skipped' | 'failed'

/** One account that cannot be read must not keep the others waiting. */
function readable(vault: Vault, reminder: DueReminder): Person | undefined {
  try {
    return openPerson(vault, reminder)
  } catch {
    return undefined
  }
}

/** From an instant (ISO 8601) to the next eight o'clock in Guatemala. */
export function msToNextRun(now: string): number {
  const next = daily.nextRun(new Date(now))
  if (next === null) throw new Error('a daily run always has a next one')
  return next.getTime() - Date.parse(now)
}
