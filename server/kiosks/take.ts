import type { ItemResult, RegistrationItem, RegistrationsRequest } from '../../shared/contracts/kiosk-sync.ts'
import type { Audit } from '../audit/audit.ts'
import { savepoint } from '../database/savepoint.ts'
import type { Tx } from '../database/schema.ts'
import type { Idempotency, KeptAnswer, WorkAnswer } from '../idempotency/idempotency.ts'
import type { Answer } from '../plugins/answer.ts'
import { onceAnswer, type SystemDialect } from '../plugins/system.ts'
import { addTaken } from './store.ts'

/** An item as its system's own endpoint would take it: refused as it stands, or what is to be done. */
export type ReadItem = Pick<RegistrationItem, 'idempotencyKey' | 'body'> & { read: Read }
export type Read = { refused: Answer } | ItemWork

interface ItemWork {
  /** Its prefix is the scope of the idempotency keys: a registration sent both ways counts once. */
  dialect: SystemDialect
  work: (tx: Tx) => Promise<WorkAnswer>
  /** What must not be registered elsewhere at the same time. */
  locks: string[]
}

export type Result = 'taken' | 'replayed' | 'refused' | 'failed'

export interface Taken {
  results: ItemResult[]
  /** How many of each. */
  counts: Record<Result, number>
}

export interface Taking {
  kioskId: number
  epoch: RegistrationsRequest['epoch']
  idempotency: Pick<Idempotency, 'onceFor'>
  audit: Pick<Audit, 'record'>
  /** An item met a bug of ours. */
  onBug: (error: unknown) => void
}

/**
 * Takes a batch in one transaction, each item in a savepoint: what one item is refused for, or breaks on, holds up none of
 * the others. Items are taken in their order.
 */
export async function takeBatch(
  tx: Tx,
  items: ReadItem[],
  { kioskId, epoch, idempotency, audit, onBug }: Taking,
): Promise<Taken> {
  const counts = { taken: 0, replayed: 0, refused: 0, failed: 0 }
  const results: ItemResult[] = []
  const subjects: string[] = []
  let counted = 0
  const add = (
    { idempotencyKey }: ReadItem,
    { status, headers = {}, body }: Answer,
    result: Result,
    aside: KeptAnswer['aside'] = {},
  ): void => {
    counts[result] += 1
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    results.push({ idempotencyKey, status, headers, body: text, ...aside })
  }

  for (const item of items) {
    const { read, idempotencyKey: key } = item
    if ('refused' in read) {
      add(item, read.refused, 'refused')
      continue
    }
    const request = { scope: read.dialect.prefix, key, body: Buffer.from(item.body) }
    let subject: string | undefined
    const work = async (within: Tx): Promise<WorkAnswer> => {
      const answer = await read.work(within)
      subject = answer.subject
      return answer
    }
    const done = await savepoint(tx, () => idempotency.onceFor(tx, { kioskId, epoch }, request, work))
    if ('undone' in done) {
      onBug(done.undone)
      add(item, read.dialect.serverError(''), 'failed')
      continue
    }
    const { once, counted: isCounted } = done.value
    if (isCounted) counted += 1
    if (subject !== undefined) subjects.push(subject)
    const result = once.state === 'answered' ? 'taken' : once.state === 'replayed' ? 'replayed' : 'refused'
    add(item, onceAnswer(once, read.dialect), result, 'answer' in once ? once.answer.aside : undefined)
  }

  if (counted > 0) await addTaken(tx, kioskId, epoch, counted)
  if (counts.taken > 0) {
    await audit.record(tx, {
      action: 'registrations-taken',
      actor: `kiosk ${String(kioskId)}`,
      subject: 'registrations',
      details: { count: counts.taken, of: subjects.join(', ') },
    })
  }
  return { results, counts }
}
