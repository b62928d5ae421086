import { type PublicJwk, thumbprint } from '../../shared/http-signatures/ed25519.ts'
import type { Core } from '../core.ts'
import type { Tx } from '../database/schema.ts'
import { findKioskByKey, updateKiosk } from './store.ts'

/** Puts another key in place of the kiosk's; answers false where a kiosk has that one already. */
export async function rotateKey(
  tx: Tx,
  { audit }: Pick<Core, 'audit'>,
  kioskId: number,
  publicKey: PublicJwk,
): Promise<boolean> {
  const keyId = thumbprint(publicKey)
  if ((await findKioskByKey(tx, keyId)) !== undefined) return false
  await updateKiosk(tx, kioskId, { key_id: keyId, public_key: publicKey.x })
  const kiosk = `kiosk ${String(kioskId)}`
  await audit.record(tx, {
    action: 'kiosk-key-rotated',
    actor: kiosk,
    subject: kiosk,
    details: { key: keyId },
  })
  return true
}
