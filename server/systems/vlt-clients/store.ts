import { type Selectable, sql } from 'kysely'
import type { CardUid } from '../../../shared/card-uid.ts'
import type { Registration } from '../../../shared/contracts/vlt-clients.ts'
import {
  type CardRow,
  type ClientRow,
  consentChannels,
  type ConsentRow,
  type Db,
  type StaffCaseRow,
  type Tx,
} from '../../database/schema.ts'

/** Who a registration could be about. */
export interface Claims {
  /** The client the card was once registered for. */
  owner: number | undefined
  byCodigo: number | undefined
  byDocument: number | undefined
}

export interface Identity {
  uid: CardUid
  codigo: string
  tipoDocumento: string | undefined
  dniIndex: string | undefined
}

/**
 * Clients by card, codigo and document, in one query. Document types are compared where both sides have one, since
 * numbers repeat across types; of several clients the one with the same type wins, then the oldest.
 */
export async function findClaims(
  tx: Tx,
  { uid, codigo, tipoDocumento, dniIndex }: Identity,
): Promise<Claims> {
  const byDocument = (numbered: string) => {
    const all = tx.selectFrom('clients').select('id').where('dni_index', '=', numbered)
    const matching =
      tipoDocumento === undefined
        ? all
        : all
            .where((is) =>
              is.or([is('tipo_documento', '=', tipoDocumento), is('tipo_documento', 'is', null)]),
            )
            .orderBy((is) => is('tipo_documento', 'is', null))
    return matching.orderBy('id').limit(1)
  }
  const found = await tx
    .selectNoFrom([
      tx.selectFrom('cards').select('client_id').where('uid', '=', uid).as('owner'),
      tx.selectFrom('clients').select('id').where('codigo_cliente_vlt', '=', codigo).as('byCodigo'),
      (dniIndex === undefined ? sql<number | null>`null` : byDocument(dniIndex)).as('byDocument'),
    ])
    .executeTakeFirstOrThrow()
  return {
    owner: found.owner ?? undefined,
    byCodigo: found.byCodigo ?? undefined,
    byDocument: found.byDocument ?? undefined,
  }
}

/** Answers the new client's id. `personal` is sealed. */
export async function insertClient(
  tx: Tx,
  { uid, codigo, tipoDocumento, dniIndex }: Identity,
  personal: string,
  at: string,
): Promise<number> {
  const { id } = await tx
    .insertInto('clients')
    .values({
      codigo_cliente_vlt: codigo,
      tipo_documento: tipoDocumento ?? null,
      dni_index: dniIndex ?? null,
      personal,
      active_card_uid: uid,
      created_at: at,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

export async function insertCard(
  tx: Tx,
  card: { uid: CardUid; clientId: number; tarjeta: string },
  at: string,
): Promise<void> {
  await tx
    .insertInto('cards')
    .values({ uid: card.uid, client_id: card.clientId, tarjeta: card.tarjeta, registered_at: at })
    .execute()
}

export async function setActiveCard(tx: Tx, clientId: number, uid: CardUid): Promise<void> {
  await tx.updateTable('clients').set({ active_card_uid: uid }).where('id', '=', clientId).execute()
}

/** One ledger entry per channel: refusals count as much as consents. */
export async function appendConsents(
  tx: Tx,
  clientId: number,
  { enviarWhatsApp, enviarCorreo, enviarSms }: Registration,
  uid: CardUid,
  at: string,
): Promise<void> {
  const entry = { client_id: clientId, source: 'vlt-clients', card_uid: uid, recorded_at: at }
  await tx
    .insertInto('consents')
    .values([
      { ...entry, channel: 'whatsapp', granted: enviarWhatsApp ? 1 : 0 },
      { ...entry, channel: 'email', granted: enviarCorreo ? 1 : 0 },
      { ...entry, channel: 'sms', granted: enviarSms ? 1 : 0 },
    ])
    .execute()
}

export type StaffCase = Pick<
  StaffCaseRow,
  'kind' | 'client_id' | 'other_client_id' | 'claimed_codigo' | 'card_uid'
>

/** Opens a case for staff, unless the same one is still open. */
export async function openCase(tx: Tx, found: StaffCase, at: string): Promise<void> {
  const open = await tx
    .selectFrom('staff_cases')
    .select('id')
    .where('card_uid', '=', found.card_uid)
    .where('claimed_codigo', '=', found.claimed_codigo)
    .where('kind', '=', found.kind)
    .where('client_id', '=', found.client_id)
    .where('other_client_id', found.other_client_id === null ? 'is' : '=', found.other_client_id)
    .where('closed_at', 'is', null)
    .executeTakeFirst()
  if (open !== undefined) return
  await tx
    .insertInto('staff_cases')
    .values({ ...found, opened_at: at, closed_at: null })
    .execute()
}

export type StoredCase = Selectable<StaffCaseRow>

export async function listCases(db: Db, which: 'open' | 'all'): Promise<StoredCase[]> {
  const cases = db.selectFrom('staff_cases').selectAll().orderBy('id')
  return (which === 'open' ? cases.where('closed_at', 'is', null) : cases).execute()
}

export async function findCase(tx: Tx, id: number): Promise<StoredCase | undefined> {
  return tx.selectFrom('staff_cases').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function settleCase(tx: Tx, id: number, at: string): Promise<void> {
  await tx.updateTable('staff_cases').set({ closed_at: at }).where('id', '=', id).execute()
}

export async function findClient(tx: Tx, id: number): Promise<Selectable<ClientRow> | undefined> {
  return tx.selectFrom('clients').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function listCards(tx: Tx, clientId: number): Promise<CardRow[]> {
  return tx
    .selectFrom('cards')
    .selectAll()
    .where('client_id', '=', clientId)
    .orderBy('registered_at')
    .orderBy('uid')
    .execute()
}

export async function listConsents(tx: Tx, clientId: number): Promise<Selectable<ConsentRow>[]> {
  return tx.selectFrom('consents').selectAll().where('client_id', '=', clientId).orderBy('id').execute()
}

/** Cases of the client, and those in which somebody claimed its codigo. */
export async function listCasesAbout(tx: Tx, clientId: number, codigo: string): Promise<StoredCase[]> {
  return tx
    .selectFrom('staff_cases')
    .selectAll()
    .where((is) =>
      is.or([
        is('client_id', '=', clientId),
        is('other_client_id', '=', clientId),
        is('claimed_codigo', '=', codigo),
      ]),
    )
    .orderBy('id')
    .execute()
}

/** Leaves of the client an id that its cards, consents and cases can refer to. */
export async function forgetClient(
  tx: Tx,
  { id, codigo }: { id: number; codigo: string },
  at: string,
): Promise<void> {
  await tx
    .updateTable('staff_cases')
    .set({ closed_at: at })
    .where((is) => is.or([is('client_id', '=', id), is('other_client_id', '=', id)]))
    .where('closed_at', 'is', null)
    .execute()
  await tx
    .updateTable('staff_cases')
    .set({ claimed_codigo: 'erased' })
    .where('claimed_codigo', '=', codigo)
    .execute()
  await tx
    .updateTable('clients')
    .set({
      // No integer, so no registration can ever claim it.
      codigo_cliente_vlt: `erased ${String(id)}`,
      tipo_documento: null,
      dni_index: null,
      personal: '',
      active_card_uid: '',
    })
    .where('id', '=', id)
    .execute()
}

export async function withdrawConsents(tx: Tx, clientId: number, at: string): Promise<void> {
  const entry = { client_id: clientId, granted: 0 as const, source: 'erase', card_uid: null, recorded_at: at }
  await tx
    .insertInto('consents')
    .values(consentChannels.map((channel) => ({ ...entry, channel })))
    .execute()
}
