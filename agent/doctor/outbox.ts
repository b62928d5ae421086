import { isSafeSqlite } from '../../shared/sqlite-version.ts'
import type { AgentStatus } from '../status.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** How the outbox stands beyond its counts. */
export interface OutboxCondition {
  sqlite: string
  /** 2 is FULL. */
  synchronous: number
  journalMode: string
  ballast: boolean
  /** Dead letters of each cause. */
  causes: Record<string, number>
  keys: { number: number; createdAt: string }[]
}

const oldKeyDays = 400
const dayMs = 24 * 60 * 60 * 1000
const longWaitSeconds = 24 * 60 * 60

export function outboxFindings(
  queue: AgentStatus['queue'],
  condition: OutboxCondition,
  now: string,
): Finding[] {
  return [
    checkDurability(condition),
    checkConservation(queue),
    checkDamage(queue),
    checkFill(queue),
    checkBallast(condition),
    checkBacklog(queue),
    checkLetters(queue, condition),
    checkKeys(condition, now),
  ]
}

function checkDurability({ sqlite, synchronous, journalMode }: OutboxCondition): Finding {
  const detail = `SQLite ${sqlite}, journal ${journalMode}, synchronous ${String(synchronous)}`
  if (synchronous === 2 && journalMode === 'wal' && isSafeSqlite(sqlite)) return ok('outbox-durable', detail)
  return fail('outbox-durable', detail, 'A power cut could lose accepted taps: install this program again.')
}

function checkConservation({ watermark }: AgentStatus['queue']): Finding {
  const { accepted, delivered, pending, dead, discarded, lost } = watermark
  const sum = delivered + pending + dead + discarded + lost
  const parts = [delivered, pending, dead, discarded, lost].map(String).join(' + ')
  const detail = `${String(accepted)} accepted = ${parts} (delivered, pending, dead, discarded, lost)`
  if (sum === accepted && pending >= 0) return ok('outbox-conservation', detail)
  return fail('outbox-conservation', detail, 'Run: vlt-agent queue verify')
}

function checkDamage({ lost, lastRecovery }: AgentStatus['queue']): Finding {
  if (lastRecovery === null && lost === 0) return ok('outbox-damage', 'never damaged')
  const when =
    lastRecovery === null ? '' : `, last salvaged on ${lastRecovery.at}, files in ${lastRecovery.setAside}`
  const detail = `${String(lost)} registrations lost${when}`
  return warn(
    'outbox-damage',
    detail,
    'Check the disk (dmesg, smartctl) and replace it; register the lost ones again.',
  )
}

function checkFill({ fill }: AgentStatus['queue']): Finding {
  const detail = `${String(fill.percent)} %: ${String(fill.rows)} of ${String(fill.maxRows)} rows, ${String(fill.bytes)} of ${String(fill.maxBytes)} bytes`
  if (fill.level === 'ok') return ok('outbox-fill', detail)
  const hint =
    'Bring the server back, or see to dead letters: at 100 % taps are refused, and nothing is dropped.'
  return fill.level === 'warn' ? warn('outbox-fill', detail, hint) : fail('outbox-fill', detail, hint)
}

function checkBallast({ ballast }: OutboxCondition): Finding {
  if (ballast) return ok('outbox-ballast', '8 MiB kept free for what the server answers')
  return warn(
    'outbox-ballast',
    'not laid',
    'Free some space: the running agent lays it again within a minute.',
  )
}

function checkBacklog({ pending, oldestPendingSeconds }: AgentStatus['queue']): Finding {
  const oldest = oldestPendingSeconds ?? 0
  const detail = `${String(pending)} pending, oldest ${String(oldest)} s`
  if (oldest < longWaitSeconds) return ok('outbox-backlog', detail)
  return warn(
    'outbox-backlog',
    detail,
    'Nothing is lost, but the server has not taken it for a day: see server.',
  )
}

function checkLetters({ deadLetters }: AgentStatus['queue'], { causes }: OutboxCondition): Finding {
  if (deadLetters === 0) return ok('outbox-dead-letters', 'none')
  const told = Object.entries(causes).map(([cause, letters]) => `${String(letters)} ${cause}`)
  const hint = 'See them with `vlt-agent queue list --state dead`; then queue fix, retry or discard.'
  return warn('outbox-dead-letters', told.join(', '), hint)
}

function checkKeys({ keys }: OutboxCondition, now: string): Finding {
  const [newest] = keys
  const days = Math.floor((Date.parse(now) - Date.parse(newest?.createdAt ?? now)) / dayMs)
  const detail = `key ${String(newest?.number)}, ${String(days)} days old${keys.length > 1 ? ', older rows are being sealed anew' : ''}`
  if (days <= oldKeyDays) return ok('outbox-keys', detail)
  return warn('outbox-keys', detail, 'Run: vlt-agent keys rotate')
}
