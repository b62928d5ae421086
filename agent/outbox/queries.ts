/** The columns of a row, and the order in which rows are sent. */

/** After this many failures of its own, a row no longer holds back later rows of its subject. */
const patience = 5

export const columns = `seq, id, idempotency_key AS idempotencyKey, system, body, reader_id AS readerId,
  created_at AS createdAt, state, attempts, failures, last_error AS lastError, receipt,
  discard_reason AS discardReason, consent_text AS consentText`

// The indexes are named because the planner, without statistics, prefers to sort the whole backlog.
const earlierPending = (same: 'subject' | 'card'): string => `
  SELECT 1 FROM registrations AS earlier INDEXED BY registrations_pending_${same}
  WHERE earlier.state = 'pending' AND earlier.${same} = r.${same} AND r.${same} <> '' AND earlier.seq < r.seq
    AND earlier.failures < ${String(patience)}`
const mayGo = `state = 'pending' AND id NOT IN (SELECT value FROM json_each($resting))
  AND system NOT IN (SELECT value FROM json_each($held))
  AND NOT EXISTS (${earlierPending('subject')}) AND NOT EXISTS (${earlierPending('card')})`
/** The oldest of those that failed least; `$resting` is a JSON list of ids, `$held` one of systems. */
export const nextInTurn = `SELECT ${columns} FROM registrations AS r INDEXED BY registrations_pending
  WHERE ${mayGo} ORDER BY failures, seq LIMIT $limit`
/** The same among the ids in `$live`. */
export const nextLive = `SELECT ${columns} FROM registrations AS r INDEXED BY registrations_id
  WHERE id IN (SELECT value FROM json_each($live)) AND ${mayGo} ORDER BY failures, seq LIMIT $limit`
