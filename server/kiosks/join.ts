import type { Clock } from '../../shared/clock.ts'
import type { JoinAnswer, JoinRequest } from '../../shared/contracts/kiosk-sync.ts'
import { fingerprint, thumbprint } from '../../shared/http-signatures/ed25519.ts'
import type { Core } from '../core.ts'
import { lock } from '../database/locks.ts'
import { codeIndex } from './desk.ts'
import {
  findCode,
  findKioskByKey,
  insertKiosk,
  type Kiosk,
  type KioskCode,
  setCodeUsed,
  updateKiosk,
} from './store.ts'
import type { Tx } from '../database/schema.ts'

/**
 * Takes a kiosk in by its one-time code, or answers undefined where the code is worth nothing: unknown, over, or used.
 * The same key with the same code is answered again: its first answer may have been lost on the way.
 */
export async function join(
  { database, vault, audit }: Pick<Core, 'database' | 'vault' | 'audit'>,
  request: JoinRequest,
  clock: Clock,
): Promise<JoinAnswer | undefined> {
  const keyId = thumbprint(request.publicKey)
  const index = codeIndex(vault, request.code)
  const kiosk = await database.transact(async (tx): Promise<Kiosk | undefined> => {
    await lock(tx, [`kiosk-code ${index}`])
    const code = await findCode(tx, index)
    const known = await findKioskByKey(tx, keyId)
    if (code?.used_by === keyId) return known
    if (code?.used_by !== null || known !== undefined || code.expires_at <= clock.now()) return undefined
    const joined = await takeIn(tx, code, request, keyId, clock.now())
    await setCodeUsed(tx, code.id, keyId)
    await audit.record(tx, {
      action: 'kiosk-joined',
      actor: `kiosk-code ${String(code.id)}`,
      subject: `kiosk ${String(joined.id)}`,
      details: { key: keyId, state: joined.state },
    })
    return joined
  })
  if (kiosk === undefined) {
    audit.tally({ action: 'kiosk-code-refused', actor: 'anonymous', subject: 'kiosk-code unknown' })
    return undefined
  }
  const state = kiosk.state === 'active' ? 'active' : 'pending'
  return { kioskId: kiosk.id, name: kiosk.name, state, fingerprint: fingerprint(request.publicKey) }
}

async function takeIn(
  tx: Tx,
  { kiosk_id: again, name, activates }: KioskCode,
  { publicKey, version, name: ownName }: JoinRequest,
  keyId: string,
  at: string,
): Promise<Kiosk> {
  const fresh = {
    key_id: keyId,
    public_key: publicKey.x,
    state: activates === 1 ? ('active' as const) : ('pending' as const),
    version,
    joined_at: at,
    // Its requests are counted anew, under a key that none was signed with.
    last_sequence: '0',
    last_request: '',
  }
  const named = name ?? ownName
  if (again === null) {
    return insertKiosk(tx, { ...fresh, name: named ?? 'kiosk', last_seen_at: null })
  }
  await lock(tx, [`kiosk ${String(again)}`])
  await updateKiosk(tx, again, { ...fresh, ...(name !== null && { name }) })
  const kiosk = await findKioskByKey(tx, keyId)
  if (kiosk === undefined) throw new Error('a kiosk with a code of its own is gone')
  return kiosk
}
