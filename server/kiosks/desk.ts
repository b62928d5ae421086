import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Core } from '../core.ts'
import { lock } from '../database/locks.ts'
import { canonicalCode, newJoinCode } from './join-code.ts'
import {
  allKiosks,
  findKiosk,
  insertCode,
  type Kiosk,
  type LatestReport,
  latestReports,
  updateKiosk,
} from './store.ts'

export interface NewCode {
  name: string | undefined
  /** The kiosk that is to join again, under its id. */
  kioskId: number | undefined
  /** Whether the kiosk may deliver at once, or waits for `activate`. */
  activates: boolean
  livesMs: number
}

/** What an operator does about kiosks. */
export interface KioskDesk {
  /** The code comes from here once and never again. Throws `kiosk-unknown`. */
  makeCode(code: NewCode): Promise<{ code: string; expiresAt: string }>
  list(): Promise<(Kiosk & { report: LatestReport | undefined })[]>
  /** Answers false where it was so before. Throws `kiosk-unknown`, `kiosk-out-of-service`. */
  activate(id: number): Promise<boolean>
  /** From its next request on, on all instances. Answers false where it was so before. Throws `kiosk-unknown`. */
  revoke(id: number): Promise<boolean>
}

export function createKioskDesk(
  { database, vault, audit }: Pick<Core, 'database' | 'vault' | 'audit'>,
  clock: Clock,
): KioskDesk {
  const setState = (id: number, state: 'active' | 'revoked'): Promise<boolean> =>
    database.transact(async (tx) => {
      await lock(tx, [`kiosk ${String(id)}`])
      const kiosk = await findKiosk(tx, id)
      if (kiosk === undefined) throw unknown(id)
      if (kiosk.state === state) return false
      if (state === 'active' && kiosk.state !== 'pending') {
        const message = `kiosk ${String(id)} is ${kiosk.state}: only a pending one can be activated`
        throw new AppError('kiosk-out-of-service', message)
      }
      await updateKiosk(tx, id, { state })
      const action = state === 'active' ? 'kiosk-activated' : 'kiosk-revoked'
      await audit.record(tx, { action, actor: 'operator', subject: `kiosk ${String(id)}` })
      return true
    })

  return {
    async makeCode({ name, kioskId, activates, livesMs }) {
      const code = newJoinCode()
      const expiresAt = new Date(Date.parse(clock.now()) + livesMs).toISOString()
      await database.transact(async (tx) => {
        if (kioskId !== undefined && (await findKiosk(tx, kioskId)) === undefined) throw unknown(kioskId)
        const id = await insertCode(tx, {
          code_index: codeIndex(vault, code),
          name: name ?? null,
          kiosk_id: kioskId ?? null,
          activates: activates ? 1 : 0,
          expires_at: expiresAt,
          used_by: null,
        })
        await audit.record(tx, {
          action: 'kiosk-code-made',
          actor: 'operator',
          subject: `kiosk-code ${String(id)}`,
          details: { activates, expiresAt, ...(kioskId !== undefined && { kiosk: kioskId }) },
        })
      })
      return { code, expiresAt }
    },
    list: () =>
      database.query(async (db) => {
        const reports = await latestReports(db)
        return (await allKiosks(db)).map((kiosk) => ({ ...kiosk, report: reports.get(kiosk.id) }))
      }),
    activate: (id) => setState(id, 'active'),
    revoke: (id) => setState(id, 'revoked'),
  }
}

/** A code as it is kept, however it was typed. */
export function codeIndex(vault: Core['vault'], code: string): string {
  return vault.index('kiosk-codes', canonicalCode(code))
}

function unknown(id: number): AppError {
  return new AppError('kiosk-unknown', `there is no kiosk ${String(id)}`)
}
