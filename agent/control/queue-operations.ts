import { z } from 'zod'
import type { CardUid } from '../../shared/card-uid.ts'
import { AppError, errorTable, isErrorCode, type ErrorCode } from '../../shared/errors.ts'
import { checkClient, clientJson } from '../enrolment/client-data.ts'
import type { OutboxCondition } from '../doctor/outbox.ts'
import { queuedForms, withoutSecrets } from '../enrolment/forms/queued.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { RegistrationState, StoredRegistration } from '../outbox/registration.ts'
import type { Sync } from '../sync/sync.ts'
import { asObject, take } from './params.ts'
import type { Handlers } from './server.ts'

/** A registration as `queue list --json` shows it. */
export interface QueueEntry {
  seq: number
  id: string
  system: string
  state: RegistrationState
  createdAt: string
  attempts: number
  lastError: ErrorCode | null
  /** The server's answer body. */
  receipt: unknown
  readerId: string | null
  discardReason: string | null
}

/** The same with what it sends. */
export interface WholeEntry extends QueueEntry {
  idempotencyKey: string
  /** The request body, without passwords; empty some time after delivery. */
  body: unknown
  /** What a person does about `lastError`; null where there is none. */
  hint: string | null
}

/** Rows in one answer: a backlog of months must not be in memory at once. */
export const pageSize = 500

const states = z.enum(['pending', 'delivered', 'dead', 'discarded', 'lost'])
const id = z.string()
/** Who calls, as the command tells it. */
const actor = z.object({ uid: z.int(), user: z.string() })

/** What looks after the outbox, over the control socket and without it. */
export function queueOperations(parts: {
  outbox: Outbox
  sync: Sync
  readCard: (text: string) => Promise<CardUid>
}) {
  const { outbox, sync, readCard } = parts
  return {
    /** Newest first; the next page begins below the last `seq`. */
    'queue.list': (params: unknown): QueueEntry[] => {
      const { state, beforeSeq } = take(
        z.object({ state: states.optional(), beforeSeq: z.int().optional() }),
        params,
      )
      return outbox.list(pageSize, beforeSeq, state).map(asEntry)
    },

    'queue.show': (params: unknown): WholeEntry =>
      asWholeEntry(outbox.find(take(z.object({ id }), params).id)),

    /** One dead letter, those of one cause, or all. */
    'queue.retry': (params: unknown): { retried: number } => {
      const {
        id: one,
        cause,
        actor: by,
      } = take(z.object({ id: id.optional(), cause: z.string().optional(), actor }), params)
      if (cause !== undefined && !isErrorCode(cause))
        throw new AppError('usage', `there is no cause ${cause}; \`queue list --state dead\` shows them`)
      if (one !== undefined) outbox.letters.retry(outbox.find(one).id, by)
      const retried = one === undefined ? outbox.letters.retryAll(cause, by) : 1
      sync.tryNow()
      return { retried }
    },

    /** Sends a dead letter again with another body (JSON text), checked as at the beginning. */
    'queue.fix': async (params: unknown): Promise<void> => {
      const { id: one, body, actor: by } = take(z.object({ id, body: z.string(), actor }), params)
      const stored = outbox.find(one)
      outbox.letters.fix(stored.id, await checkedBody(stored, asObject(body), readCard), by)
      sync.tryNow()
    },

    'queue.discard': (params: unknown): void => {
      const fields = take(z.object({ id, reason: z.string().trim().min(1), actor }), params)
      outbox.letters.discard(outbox.find(fields.id).id, fields.reason, fields.actor)
    },

    /** Oldest first, whole; the next page begins above the last `seq`. */
    'queue.export': (params: unknown): WholeEntry[] => {
      const { afterSeq, actor: by } = take(z.object({ afterSeq: z.int(), actor }), params)
      if (afterSeq === 0) outbox.letters.noteExport(by)
      return outbox.page(afterSeq, pageSize).map(asWholeEntry)
    },

    'queue.audit': (params: unknown) =>
      outbox.letters.audit(take(z.object({ limit: z.int().min(1) }), params).limit),

    'queue.verify': () => outbox.upkeep.verify(),

    /** For `doctor`. */
    doctor: (): OutboxCondition => ({
      ...outbox.inspect(),
      causes: outbox.letters.causes(),
      keys: outbox.keys.list(),
    }),

    'keys.list': () => ({ keys: outbox.keys.list(), resealedThrough: outbox.keys.resealedThrough }),

    'keys.rotate': (params: unknown) => ({
      number: outbox.keys.rotate(take(z.object({ actor }), params).actor),
    }),
  } satisfies Handlers
}

/** The body as it is sent, by the rules of its form. What is shown as `…` stays what it was. */
async function checkedBody(
  { system, body }: StoredRegistration,
  given: Record<string, unknown>,
  readCard: (text: string) => Promise<CardUid>,
): Promise<string> {
  const before = asObject(body)
  for (const [field, value] of Object.entries(given)) if (value === '…') given[field] = before[field]
  if (system === 'vlt-clients') {
    const { tarjeta, ...rest } = given
    const checked = checkClient(rest)
    if ('client' in checked)
      return clientJson(checked.client, await readCard(typeof tarjeta === 'string' ? tarjeta : ''))
    throw new AppError('input-invalid', 'the data is not complete or not correct', {
      fields: checked.complaints,
    })
  }
  const checked = queuedForms[system].check(given)
  if ('value' in checked) return checked.value
  throw new AppError('input-invalid', 'the data is not complete or not correct', {
    fields: checked.complaints,
  })
}

function asEntry(row: StoredRegistration): QueueEntry {
  const { seq, id: rowId, system, state, createdAt, attempts, lastError, readerId, discardReason } = row
  const receipt = asJson(row.receipt)
  return { seq, id: rowId, system, state, createdAt, attempts, lastError, receipt, readerId, discardReason }
}

function asWholeEntry(row: StoredRegistration): WholeEntry {
  return {
    ...asEntry(row),
    hint: row.lastError === null ? null : errorTable[row.lastError].hint,
    idempotencyKey: row.idempotencyKey,
    body: withoutSecrets(asJson(row.body)),
  }
}

/** Answers of the server are kept as they came, and a refusal need not be JSON. */
function asJson(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text)
  } catch {
    return text
  }
}
