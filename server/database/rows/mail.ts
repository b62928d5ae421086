import type { Generated } from 'kysely'

export interface MailRow {
  id: Generated<number>
  /** Of the mail's Message-ID header: what makes a second delivery recognisable. */
  message_id: string
  /** Sealed JSON of the mail; null once it has left. */
  content: string | null
  state: 'pending' | 'sent' | 'dead'
  attempts: number
  due_at: string
  /** Until then one instance alone may send it. */
  leased_until: string | null
  /** From then on a failure is the last one. */
  give_up_at: string
  /** An error code. */
  last_error: string | null
  /** Numbers of the mail server's answer, such as `550 5.1.1`; never its text, which may repeat the address. */
  last_reply: string | null
  queued_at: string
  settled_at: string | null
}
