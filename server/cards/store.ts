import type { CardUid } from '../../shared/card-uid.ts'
import type { ClientRow } from '../database/rows/clients.ts'
import type { Db } from '../database/schema.ts'

export type Holder = Pick<ClientRow, 'codigo_cliente_vlt' | 'personal' | 'active_card_uid'> & { id: number }

/** The client that a card was registered for. */
export async function findHolder(db: Db, uid: CardUid): Promise<Holder | undefined> {
  return db
    .selectFrom('cards')
    .innerJoin('clients', 'clients.id', 'cards.client_id')
    .select(['clients.id', 'codigo_cliente_vlt', 'personal', 'active_card_uid'])
    .where('cards.uid', '=', uid)
    .executeTakeFirst()
}
