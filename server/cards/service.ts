import type { CardUid } from '../../shared/card-uid.ts'
import type { Db } from '../database/schema.ts'
import type { Vault } from '../security/vault.ts'
import { openPerson } from '../systems/vlt-clients/person.ts'
import { findHolder } from './store.ts'

export type Authentication =
  | { kind: 'active'; clientId: number; firstName: string | null }
  /** Another card has taken its place, or its client was erased. */
  | { kind: 'inactive' }
  | { kind: 'unknown' }

/** Whose card this is. */
export async function authenticate(db: Db, vault: Vault, uid: CardUid): Promise<Authentication> {
  const holder = await findHolder(db, uid)
  if (holder === undefined) return { kind: 'unknown' }
  if (holder.active_card_uid !== uid) return { kind: 'inactive' }
  const [firstName = null] = openPerson(vault, holder)?.nombre?.split(/\s+/, 1) ?? []
  return { kind: 'active', clientId: holder.id, firstName }
}
