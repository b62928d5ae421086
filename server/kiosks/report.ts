import type { Gap, Report, ReportAnswer } from '../../shared/contracts/kiosk-sync.ts'
import type { Tx } from '../database/schema.ts'
import { findEpoch, keepReport, type KeptReport, openKioskCase } from './store.ts'

/**
 * Conservation: what the kiosk says it accepted is delivered, dead, discarded or pending, its counts never go back,
 * and what it calls delivered through us is what we hold. A gap opens a case, once until its figures change.
 */
export async function takeReport(tx: Tx, kioskId: number, report: Report, at: string): Promise<ReportAnswer> {
  const { taken, report: before } = await findEpoch(tx, kioskId, report.epoch)
  const now: KeptReport = { ...report, taken }
  const gaps = gapsOf(now, before)
  const wentBack = gaps.includes('went-back') || gaps.includes('chain')
  if (gaps.length > 0 && (wentBack || before === undefined || lacks(now) !== lacks(before))) {
    const details = JSON.stringify({ gaps, ...now })
    await openKioskCase(tx, { kind: 'kiosk-gap', kiosk_id: kioskId, details }, at)
  }
  await keepReport(tx, kioskId, now, at)
  return { agrees: gaps.length === 0, taken, gaps }
}

function gapsOf(now: KeptReport, before: KeptReport | undefined): Gap[] {
  const gaps: Gap[] = []
  const { unaccounted, serverLacks, kioskLacks } = amounts(now)
  if (unaccounted !== 0) gaps.push('sum')
  if (serverLacks > 0) gaps.push('server-lacks')
  if (kioskLacks > 0) gaps.push('kiosk-lacks')
  if (before === undefined) return gaps
  if (now.highestSequence < before.highestSequence || now.accepted < before.accepted) gaps.push('went-back')
  const isSameEnd = before.highestSequence === now.highestSequence
  if (isSameEnd && before.chainHead !== null && before.chainHead !== now.chainHead) gaps.push('chain')
  return gaps
}

function amounts({ accepted, delivered, dead, discarded, pending, documented, taken }: KeptReport) {
  return {
    unaccounted: accepted - delivered - dead - discarded - pending,
    serverLacks: Math.max(0, delivered - documented - taken),
    // What was taken while its answer got lost is still pending over there.
    kioskLacks: Math.max(0, taken - delivered - pending),
  }
}

/** A case that was closed stays closed while these stand still. */
function lacks(report: KeptReport): string {
  return JSON.stringify(amounts(report))
}
