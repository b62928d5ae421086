import type { Clock } from '../../shared/clock.ts'
import type { Core } from '../core.ts'
import type { Tx } from '../database/schema.ts'
import type { Answer } from '../plugins/answer.ts'
import { behind, refusal } from './dialect.ts'
import { challengeFor, type Counted, placeOf } from './sequence.ts'
import { findKiosk, openKioskCase, updateKiosk } from './store.ts'

/**
 * Does the work of a signed request where its kiosk may deliver and its count says that it is next; a repetition is
 * done again, because nothing in it happens twice. Two machines with one key lock each other out, and staff gets a
 * case. The caller holds the lock of the kiosk.
 */
export async function inTurn(
  tx: Tx,
  { vault, audit }: Pick<Core, 'vault' | 'audit'>,
  { id, keyId }: { id: number; keyId: string },
  request: Counted,
  clock: Clock,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const kiosk = await findKiosk(tx, id)
  // It may have got another key since the signature was looked at.
  if (kiosk?.key_id !== keyId) return refusal('key-unknown')
  if (kiosk.state !== 'active') return refusal(`kiosk-${kiosk.state}`)
  const place = placeOf(vault, kiosk, request)
  if (place === 'behind') return behind(challengeFor(vault, kiosk, request))
  if (place === 'diverged') {
    const details = JSON.stringify({ sequence: request.sequence, last: Number(kiosk.last_sequence) })
    await updateKiosk(tx, id, { state: 'locked' })
    await openKioskCase(tx, { kind: 'kiosk-cloned', kiosk_id: id, details }, clock.now())
    await audit.record(tx, { action: 'kiosk-locked', actor: 'server', subject: `kiosk ${String(id)}` })
    return refusal('kiosk-locked')
  }
  await updateKiosk(tx, id, {
    last_sequence: String(request.sequence),
    last_request: request.digest,
    last_seen_at: clock.now(),
  })
  return work()
}
