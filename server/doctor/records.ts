import type { Clock } from '../../shared/clock.ts'
import { formatLink } from '../audit/chain.ts'
import { verifyTrail } from '../audit/verify.ts'
import type { Database } from '../database/database.ts'
import { readKioskFigures } from '../kiosks/figures.ts'
import { readMailBacklog } from '../mail/upkeep.ts'
import type { Vault } from '../security/vault.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const lateSeconds = 15 * 60

export async function checkBacklog(database: Database, clock: Clock): Promise<Finding> {
  const check = 'mail backlog'
  const { pending, dead, oldestPendingSeconds } = await readMailBacklog(database, clock)
  const minutes = String(Math.round(oldestPendingSeconds / 60))
  const oldest = pending === 0 ? '' : `, the oldest for ${minutes} minutes`
  const detail = `${String(pending)} to be sent${oldest}, ${String(dead)} dead letters`
  if (dead > 0) return warn(check, detail, 'See `vlt-server mail list --state dead`; retry or discard them.')
  if (oldestPendingSeconds < lateSeconds) return ok(check, detail)
  return warn(check, detail, 'See the line about mail, and `vlt-server mail list --state pending`.')
}

export async function checkTrail(database: Database, vault: Vault): Promise<Finding> {
  const verdict = await verifyTrail(database, vault)
  if (!verdict.holds) {
    const hint = 'See `vlt-server audit verify`, and find out who could write to the database.'
    return fail('audit trail', `row ${String(verdict.seq)} does not hold: ${verdict.fault}`, hint)
  }
  const { first, end } = verdict
  if (end.seq === 0) return ok('audit trail', 'no events yet')
  return ok('audit trail', `holds from row ${String(first)} to its end ${formatLink(end)}`)
}

export async function checkKiosks(database: Database, clock: Clock): Promise<Finding> {
  const check = 'kiosks'
  const { states, silent, pending } = await readKioskFigures(database, clock)
  const { active, locked, pending: waiting } = states
  const detail =
    `${String(active)} active, ${String(silent)} of them silent, ${String(waiting)} waiting for \`kiosk activate\`, ` +
    `${String(locked)} locked; they still hold ${String(pending)} registrations`
  if (locked > 0) return warn(check, detail, 'Two machines use one key: see `vlt-server case list`.')
  if (silent > 0) return warn(check, detail, 'Not heard of for fifteen minutes: see `vlt-server kiosk list`.')
  return ok(check, detail)
}
