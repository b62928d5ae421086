import { type Selectable, sql } from 'kysely'
import type { CardUid } from '../../../shared/card-uid.ts'
import type { Registration } from '../../../shared/contracts/vlt-clients.ts'
import {
  type CardRow,
  type ClientRow,
  consentChannels,
  type ConsentRow,
  type StaffCaseRow,
} from '../../database/rows/clients.ts'
import type { Db, Tx } from '../../database/schema.ts'
import { nextId } from '../../database/next-id.ts'
import { prepared } from '../../database/prepared.ts'
import { trail } from '../../database/trailing.ts'

/** Who a registration could be about. */
export interface Claims {
  /** The client the card was once registered for. */
  owner: number | undefined
  byCodigo: number | undefined
  byDocument: number | undefined
  /** Where it is about none of them: the id a new client is to have. */
  newId: number | undefined
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
export async function findClaims(tx: Tx, identity: Identity): Promise<Claims> {
  const { tipoDocumento = '', dniIndex = '' } = identity
  const select = dniIndex === '' ? claims.undocumented : tipoDocumento === '' ? claims.untyped : claims.typed
  const [found] = await select.run(tx, { ...identity, tipoDocumento, dniIndex })
  return {
    owner: found?.owner ?? undefined,
    byCodigo: found?.byCodigo ?? undefined,
    byDocument: found?.byDocument ?? undefined,
    newId: found?.newId ?? undefined,
  }
}

const selectClaims = (document: 'typed' | 'untyped' | undefined) =>
  prepared<Record<keyof Identity, string>>()((db, value) => {
    const numbered = db.selectFrom('clients').select('id').where('dni_index', '=', value('dniIndex'))
    const matching =
      document === 'untyped'
        ? numbered
        : numbered
            .where((is) =>
              is.or([is('tipo_documento', '=', value('tipoDocumento')), is('tipo_documento', 'is', null)]),
            )
            .orderBy((is) => is('tipo_documento', 'is', null))
    const byDocument =
      document === undefined ? sql<number | null>`cast(null as integer)` : matching.orderBy('id').limit(1)
    const found = db.selectNoFrom([
      db.selectFrom('cards').select('client_id').where('uid', '=', value('uid')).as('owner'),
      db.selectFrom('clients').select('id').where('codigo_cliente_vlt', '=', value('codigo')).as('byCodigo'),
      byDocument.as('byDocument'),
    ])
    return db
      .selectFrom(found.as('found'))
      .select(['owner', 'byCodigo', 'byDocument'])
      .select((is) =>
        is
          .case()
          .when(is.fn.coalesce('owner', 'byCodigo', 'byDocument'), 'is', null)
          .then(nextId(db, 'clients'))
          .end()
          .as('newId'),
      )
  })

const claims = {
  typed: selectClaims('typed'),
  untyped: selectClaims('untyped'),
  undocumented: selectClaims(undefined),
}

interface NewClient {
  id: number
  /** Sealed. */
  personal: string
}

/** With the end of the work. */
export function insertClient(tx: Tx, identity: Identity, client: NewClient, at: string): void {
  const { tipoDocumento = null, dniIndex = null } = identity
  addClient.trail(tx, { ...identity, tipoDocumento, dniIndex, ...client, at })
}

interface NewClientRow extends NewClient {
  uid: CardUid
  codigo: string
  tipoDocumento: string | null
  dniIndex: string | null
  at: string
}

const addClient = prepared<NewClientRow>()((db, value) =>
  db.insertInto('clients').values({
    id: value('id'),
    codigo_cliente_vlt: value('codigo'),
    tipo_documento: value('tipoDocumento'),
    dni_index: value('dniIndex'),
    personal: value('personal'),
    active_card_uid: value('uid'),
    created_at: value('at'),
  }),
)

interface NewCard {
  uid: CardUid
  clientId: number
  tarjeta: string
}

/** With the end of the work. */
export function insertCard(tx: Tx, card: NewCard, at: string): void {
  addCard.trail(tx, { ...card, at })
}

const addCard = prepared<NewCard & { at: string }>()((db, value) =>
  db.insertInto('cards').values({
    uid: value('uid'),
    client_id: value('clientId'),
    tarjeta: value('tarjeta'),
    registered_at: value('at'),
  }),
)

/** With the end of the work. */
export function setActiveCard(tx: Tx, clientId: number, uid: CardUid): void {
  trail(tx, tx.updateTable('clients').set({ active_card_uid: uid }).where('id', '=', clientId).compile())
}

/** One ledger entry per channel: refusals count as much as consents. With the end of the work. */
export function appendConsents(
  tx: Tx,
  clientId: number,
  { enviarWhatsApp, enviarCorreo, enviarSms }: Registration,
  given: Omit<NewConsents, 'clientId' | (typeof consentChannels)[number]>,
): void {
  addConsents.trail(tx, {
    clientId,
    ...given,
    whatsapp: enviarWhatsApp ? 1 : 0,
    email: enviarCorreo ? 1 : 0,
    sms: enviarSms ? 1 : 0,
  })
}

type NewConsents = {
  clientId: number
  uid: CardUid
  /** Version of the text. */
  consentText: string | null
  at: string
} & Record<(typeof consentChannels)[number], 0 | 1>

const addConsents = prepared<NewConsents>()((db, value) =>
  db.insertInto('consents').values(
    consentChannels.map((channel) => ({
      client_id: value('clientId'),
      channel,
      granted: value(channel),
      source: 'vlt-clients',
      card_uid: value('uid'),
      consent_text: value('consentText'),
      recorded_at: value('at'),
    })),
  ),
)

export type StaffCase = Pick<
  StaffCaseRow,
  'kind' | 'client_id' | 'other_client_id' | 'claimed_codigo' | 'card_uid'
>

// Whoever knows a card could open one with every codigo there is; staff has understood by then.
const maxOpenCasesOfCard = 20

/** Opens a case for staff, unless the same one, or too many about the same card, are still open. */
export async function openCase(tx: Tx, found: StaffCase, at: string): Promise<void> {
  const open = await tx
    .selectFrom('staff_cases')
    .select(['claimed_codigo', 'kind', 'client_id', 'other_client_id'])
    .where('card_uid', '=', found.card_uid)
    .where('closed_at', 'is', null)
    .limit(maxOpenCasesOfCard)
    .execute()
  const isSame = (one: (typeof open)[number]): boolean =>
    one.claimed_codigo === found.claimed_codigo &&
    one.kind === found.kind &&
    one.client_id === found.client_id &&
    one.other_client_id === found.other_client_id
  if (open.length === maxOpenCasesOfCard || open.some(isSame)) return
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
  const entry = {
    ...{ client_id: clientId, granted: 0 as const, source: 'erase' },
    ...{ card_uid: null, consent_text: null, recorded_at: at },
  }
  await tx
    .insertInto('consents')
    .values(consentChannels.map((channel) => ({ ...entry, channel })))
    .execute()
}
