import type { Insertable, Selectable } from 'kysely'
import type { Report } from '../../shared/contracts/kiosk-sync.ts'
import type { StaffCaseRow } from '../database/rows/clients.ts'
import type { KioskCodeRow, KioskRow } from '../database/rows/kiosks.ts'
import type { Db, Tx } from '../database/schema.ts'

export type Kiosk = Selectable<KioskRow>
export type KioskCode = Selectable<KioskCodeRow>

export async function insertKiosk(tx: Tx, kiosk: Insertable<KioskRow>): Promise<Kiosk> {
  return tx.insertInto('kiosks').values(kiosk).returningAll().executeTakeFirstOrThrow()
}

export async function updateKiosk(tx: Tx, id: number, changes: Partial<Insertable<KioskRow>>): Promise<void> {
  await tx.updateTable('kiosks').set(changes).where('id', '=', id).execute()
}

export async function findKiosk(db: Db, id: number): Promise<Kiosk | undefined> {
  return db.selectFrom('kiosks').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function findKioskByKey(db: Db, keyId: string): Promise<Kiosk | undefined> {
  return db.selectFrom('kiosks').selectAll().where('key_id', '=', keyId).executeTakeFirst()
}

export async function allKiosks(db: Db): Promise<Kiosk[]> {
  return db.selectFrom('kiosks').selectAll().orderBy('id').execute()
}

export async function insertCode(tx: Tx, code: Insertable<KioskCodeRow>): Promise<number> {
  const { id } = await tx.insertInto('kiosk_codes').values(code).returning('id').executeTakeFirstOrThrow()
  return id
}

export async function findCode(tx: Tx, codeIndex: string): Promise<KioskCode | undefined> {
  return tx.selectFrom('kiosk_codes').selectAll().where('code_index', '=', codeIndex).executeTakeFirst()
}

export async function setCodeUsed(tx: Tx, id: number, usedBy: string): Promise<void> {
  await tx.updateTable('kiosk_codes').set({ used_by: usedBy }).where('id', '=', id).execute()
}

/** A report, with what was held when it came. */
export type KeptReport = Report & { taken: number }

/** What is held of an outbox, and what was said of it last. */
export async function findEpoch(
  tx: Tx,
  kioskId: number,
  epoch: string,
): Promise<{ taken: number; report: KeptReport | undefined }> {
  const found = await tx
    .selectFrom('kiosk_epochs')
    .select(['taken', 'report'])
    .where('kiosk_id', '=', kioskId)
    .where('epoch', '=', epoch)
    .executeTakeFirst()
  const report = found?.report ?? undefined
  return {
    taken: found?.taken ?? 0,
    report: report === undefined ? undefined : (JSON.parse(report) as KeptReport),
  }
}

export async function addTaken(tx: Tx, kioskId: number, epoch: string, taken: number): Promise<void> {
  await tx
    .insertInto('kiosk_epochs')
    .values({ kiosk_id: kioskId, epoch, taken, report: null, reported_at: null })
    .onConflict((conflict) =>
      conflict
        .columns(['kiosk_id', 'epoch'])
        .doUpdateSet((is) => ({ taken: is('kiosk_epochs.taken', '+', taken) })),
    )
    .execute()
}

export async function keepReport(tx: Tx, kioskId: number, report: KeptReport, at: string): Promise<void> {
  const said = { report: JSON.stringify(report), reported_at: at }
  await tx
    .insertInto('kiosk_epochs')
    .values({ kiosk_id: kioskId, epoch: report.epoch, taken: 0, ...said })
    .onConflict((conflict) => conflict.columns(['kiosk_id', 'epoch']).doUpdateSet(said))
    .execute()
}

export type LatestReport = KeptReport & { reportedAt: string }

/** The newest report of each kiosk. */
export async function latestReports(db: Db): Promise<Map<number, LatestReport>> {
  const rows = await db
    .selectFrom('kiosk_epochs')
    .select(['kiosk_id', 'report', 'reported_at'])
    .where('report', 'is not', null)
    .orderBy('reported_at')
    .execute()
  return new Map(
    rows.map(({ kiosk_id: id, report, reported_at: reportedAt }) => [
      id,
      { ...(JSON.parse(report ?? '{}') as KeptReport), reportedAt: reportedAt ?? '' },
    ]),
  )
}

type KioskCase = Pick<StaffCaseRow, 'kind' | 'details'> & { kiosk_id: number }

/** Opens a case unless one of the same kind about the same kiosk is open. */
export async function openKioskCase(tx: Tx, found: KioskCase, at: string): Promise<void> {
  const open = await tx
    .selectFrom('staff_cases')
    .select('id')
    .where('kiosk_id', '=', found.kiosk_id)
    .where('kind', '=', found.kind)
    .where('closed_at', 'is', null)
    .executeTakeFirst()
  if (open !== undefined) return
  await tx
    .insertInto('staff_cases')
    .values({
      ...found,
      client_id: null,
      other_client_id: null,
      claimed_codigo: null,
      card_uid: null,
      opened_at: at,
      closed_at: null,
    })
    .execute()
}
